use std::time::Duration;

/// What a processor reads of the settings.
pub struct BatchSettings {
    pub schedule_delay: Duration,
    pub max_queue_size: usize,
    pub max_export_batch_size: usize,
    pub export_timeout: Option<Duration>,
}
