//! A log record on its way through the processors.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::{FinishedLogRecord, LogRecordData};
use crate::common::Scope;
use crate::resource::Resource;
use crate::sdk::batch::pool;

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

    /// A record of this resource and scope that is yet to be filled, in memory that was used before where there is some.
    #[inline]
    pub fn blank(resource: &Arc<Resource>, scope: &Arc<Scope>) -> Self {
        let mut record = ReadWriteLogRecord(pool::acquire());
        let data = &mut *record;
        // The last record in this memory was often of the same: its references stay.
        if !Arc::ptr_eq(&data.resource, resource) {
            data.resource = resource.clone();
        }
        if !Arc::ptr_eq(&data.scope, scope) {
            data.scope = scope.clone();
        }
        record
    }

    /// The record, which no longer changes.
    #[inline]
    pub fn finish(self) -> FinishedLogRecord {
        FinishedLogRecord(self.0)
    }

    /// The record as it is now, to be kept. Costs a reference count.
    pub fn finished(&self) -> FinishedLogRecord {
        FinishedLogRecord(Arc::clone(&self.0))
    }
}

impl Deref for ReadWriteLogRecord {
    type Target = LogRecordData;

    #[inline]
    fn deref(&self) -> &LogRecordData {
        &self.0
    }
}

impl DerefMut for ReadWriteLogRecord {
    /// Copies the record first where somebody has kept it.
    #[inline]
    fn deref_mut(&mut self) -> &mut LogRecordData {
        Arc::make_mut(&mut self.0)
    }
}
