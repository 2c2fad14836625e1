//! The service's name and instance.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::{ResourceDetector, process};
use crate::common::{Text, fork};
use crate::resource::Resource;

/// The key of the service's name.
pub const SERVICE_NAME: &str = "service.name";
/// The key of the service instance's id.
pub const SERVICE_INSTANCE_ID: &str = "service.instance.id";

/// The name of a service that nobody named: `unknown_service:` and the executable's file name, or only
/// `unknown_service` where that is not known.
pub fn unknown_service_name() -> Text {
    match process::executable_name() {
        Some(executable) => Text::from(format!("unknown_service:{executable}")),
        None => Text::const_new("unknown_service"),
    }
}

/// `service.instance.id`: a random UUID, the same for the whole life of a process; a forked child gets its own.
///
/// Finds nothing where the operating system has no source of randomness: an id that may not be unique is worse than
/// none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServiceInstanceIdDetector;

impl ResourceDetector for ServiceInstanceIdDetector {
    fn name(&self) -> &'static str {
        "service_instance"
    }

    fn detect(&self) -> Resource {
        match instance_id() {
            Some(id) => Resource::new([(SERVICE_INSTANCE_ID, id)]),
            None => Resource::default(),
        }
    }

    fn is_process_dependent(&self) -> bool {
        true
    }
}

struct InstanceId {
    generation: u32,
    uuid: Text,
}

/// No lock: a child forked while another thread held one would wait for ever.
static INSTANCE_ID: AtomicPtr<InstanceId> = AtomicPtr::new(ptr::null_mut());

fn instance_id() -> Option<Text> {
    fork::watch();
    let generation = fork::generation();
    let known = INSTANCE_ID.load(Ordering::Acquire);
    // SAFETY: the pointer is null or that of a box leaked below, which is never freed or written to again.
    if let Some(id) = unsafe { known.as_ref() }
        && id.generation == generation
    {
        return Some(id.uuid.clone());
    }
    let fresh: &'static mut InstanceId = Box::leak(Box::new(InstanceId { generation, uuid: random_uuid()? }));
    let uuid = fresh.uuid.clone();
    match INSTANCE_ID.compare_exchange(known, fresh, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Some(uuid),
        // Another thread was faster, and its id is this process's.
        // SAFETY: as above; a pointer that was exchanged for another one is not null.
        Err(winner) => unsafe { winner.as_ref() }.map(|id| id.uuid.clone()),
    }
}

/// A UUID of version 4 (RFC 9562, section 5.4).
fn random_uuid() -> Option<Text> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    let groups = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
    Some(Text::from(groups.join("-")))
}
