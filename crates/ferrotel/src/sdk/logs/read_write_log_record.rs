//! A log record on its way through the processors.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::{FinishedLogRecord, LogRecordData};

/// A log record that processors read and change (specification: logs SDK, `ReadWriteLogRecord`).
///
/// What a processor changes is seen by those after it, and not by those before it: whoever kept the record with
/// [`finished`](Self::finished) keeps it as it was.
///
/// ```
/// use ferrotel::sdk::logs::{LogRecordData, ReadWriteLogRecord};
///
/// let mut record = ReadWriteLogRecord::new(LogRecordData::default());
/// let before = record.finished();
/// record.severity_number = 9;
/// assert_eq!((before.severity_number, record.severity_number), (0, 9));
/// ```
#[derive(Clone, Debug)]
pub struct ReadWriteLogRecord(Arc<LogRecordData>);

impl ReadWriteLogRecord {
    /// A record that has just been emitted.
    pub fn new(record: LogRecordData) -> Self {
        ReadWriteLogRecord(Arc::new(record))
    }

    /// The record as it is now, to be kept. Costs a reference count.
    pub fn finished(&self) -> FinishedLogRecord {
        FinishedLogRecord(Arc::clone(&self.0))
    }
}

impl Deref for ReadWriteLogRecord {
    type Target = LogRecordData;

    fn deref(&self) -> &LogRecordData {
        &self.0
    }
}

impl DerefMut for ReadWriteLogRecord {
    /// Copies the record first where somebody has kept it.
    fn deref_mut(&mut self) -> &mut LogRecordData {
        Arc::make_mut(&mut self.0)
    }
}
