//! Measurements that are kept as they were made, with their trace (specification: metrics SDK, exemplars).

mod reservoir;

pub(super) use reservoir::Builtin;
pub use reservoir::{ExemplarOffer, ExemplarReservoir, Reservoir, ReservoirFactory};
