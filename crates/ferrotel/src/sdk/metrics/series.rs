//! One time series: where measurements end up.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::aggregation::{Cell, Rule, Stamp};
use super::exemplar::Builtin;
use super::{Exemplar, ExemplarOffer, ExemplarReservoir, MetricData, Number, ReservoirFactory};
use crate::common::fork_lock::{ForkGuard, ForkLock};
use crate::common::{Attributes, clock};

/// The series was forgotten because nothing was measured for a while. Ask its stream for the series again: what was
/// refused was not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Detached;

impl fmt::Display for Detached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time series was forgotten; its stream makes it again")
    }
}

impl std::error::Error for Detached {}

/// What all series of a stream share.
#[derive(Debug)]
pub(super) struct Shape {
    pub rule: Rule,
    pub kept: Kept,
}

/// Which exemplars are kept, with all that was left open decided.
pub(super) enum Kept {
    Off,
    Uniformly(usize),
    Aligned,
    Custom(Arc<dyn ReservoirFactory>),
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kept::Off => "Off",
            Kept::Uniformly(_) => "Uniformly",
            Kept::Aligned => "Aligned",
            Kept::Custom(_) => "Custom",
        })
    }
}

/// The measurements of one stream that have the same attributes. Hold on to it to record without a look-up.
pub struct Series {
    state: ForkLock<State>,
    /// Changes while the state is locked.
    detached: AtomicBool,
    /// How many holders keep it from being forgotten; changes while the state is locked.
    pins: AtomicU32,
    attributes: Arc<Attributes>,
    pub(super) hash: u64,
    shape: Arc<Shape>,
    /// Boxed twice: rare, and a pointer in each series is enough for what mostly is not there.
    custom: Option<Box<Box<dyn ExemplarReservoir>>>,
}

struct State {
    /// When the current interval began.
    start: u64,
    cell: Cell,
    exemplars: Option<Box<Builtin>>,
}

impl State {
    fn new(rule: &Rule) -> Self {
        State { start: clock::now_unix_nanos(), cell: rule.cell(), exemplars: None }
    }
}

impl Series {
    pub(super) fn new(mut attributes: Attributes, hash: u64, shape: &Arc<Shape>) -> Arc<Self> {
        attributes.shrink_to_fit();
        let custom = match &shape.kept {
            Kept::Custom(factory) => Some(Box::new(factory.reservoir())),
            _ => None,
        };
        Arc::new(Series {
            state: ForkLock::new(State::new(&shape.rule)),
            detached: AtomicBool::new(false),
            pins: AtomicU32::new(0),
            attributes: Arc::new(attributes),
            hash,
            shape: Arc::clone(shape),
            custom,
        })
    }

    #[inline]
    fn state(&self) -> ForkGuard<'_, State> {
        self.state.lock(|| State::new(&self.shape.rule))
    }

    /// The attributes that the series' points have.
    pub fn attributes(&self) -> &Arc<Attributes> {
        &self.attributes
    }

    /// Takes a measurement, and offers it to the reservoir where there is an `offer`. Allocates nothing, except for an
    /// exemplar that is kept. A number that is not finite is ignored: callers check, and complain.
    ///
    /// # Errors
    /// [`Detached`]: nothing was taken; get the series from the stream again.
    #[inline]
    pub fn record(&self, value: Number, offer: Option<&ExemplarOffer<'_>>) -> Result<(), Detached> {
        if !value.is_finite() {
            return Ok(());
        }
        let mut state = self.state();
        if self.detached.load(Ordering::Relaxed) {
            return Err(Detached);
        }
        state.cell.record(value, &self.shape.rule);
        if let Some(offer) = offer {
            self.offer(state, value, offer);
        }
        Ok(())
    }

    #[cold]
    fn offer(&self, mut state: ForkGuard<'_, State>, value: Number, offer: &ExemplarOffer<'_>) {
        match &self.shape.kept {
            Kept::Off => {}
            Kept::Custom(_) => {
                drop(state);
                if let Some(custom) = &self.custom {
                    custom.offer(value, offer);
                }
            }
            Kept::Uniformly(size) => {
                let exemplars = state.exemplars.get_or_insert_with(|| Box::new(Builtin::new()));
                exemplars.offer_uniformly(*size, value, offer, &self.attributes);
            }
            Kept::Aligned => {
                let bounds = self.shape.rule.bounds().map_or(&[][..], |bounds| bounds);
                let exemplars = state.exemplars.get_or_insert_with(|| Box::new(Builtin::new()));
                exemplars.offer_aligned(bounds, value, offer, &self.attributes);
            }
        }
    }

    /// Whether the series was forgotten.
    #[inline]
    pub fn is_detached(&self) -> bool {
        self.detached.load(Ordering::Acquire)
    }

    /// Keeps the series from being forgotten.
    ///
    /// # Errors
    /// It already was.
    pub(super) fn pin(&self) -> Result<(), Detached> {
        let _state = self.state();
        if self.detached.load(Ordering::Relaxed) {
            return Err(Detached);
        }
        self.pins.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    pub(super) fn unpin(&self) {
        let _state = self.state();
        self.pins.fetch_sub(1, Ordering::Relaxed);
    }

    /// Forgets what was observed since the last collection.
    pub(super) fn discard(&self) {
        let mut state = self.state();
        state.cell.discard();
        state.exemplars = None;
    }

    /// Forgets all that was measured.
    pub(super) fn restart(&self) {
        let renewed = State::new(&self.shape.rule);
        drop(std::mem::replace(&mut *self.state(), renewed));
    }

    /// Adds the series' point to `data`, and starts its next interval; where nothing was measured, and `forget`, the
    /// series is detached. Returns whether it is.
    pub(super) fn collect(&self, now: u64, forget: bool, data: &mut MetricData) -> bool {
        let mut state = self.state();
        let State { start, cell, exemplars } = &mut *state;
        let stamp = Stamp { attributes: &self.attributes, start, now };
        if !cell.collect(&self.shape.rule, stamp, data) {
            let detach = forget && self.pins.load(Ordering::Relaxed) == 0;
            self.detached.store(detach, Ordering::Release);
            return detach;
        }
        let kept = exemplars.as_mut().map(|exemplars| exemplars.collect());
        drop(state);
        let kept = kept.or_else(|| self.custom.as_ref().map(|custom| custom.collect(&self.attributes)));
        if let Some(kept) = kept.filter(|kept| !kept.is_empty()) {
            attach(kept, data);
        }
        false
    }
}

/// Gives exemplars to the point that was added last.
fn attach(kept: Vec<Exemplar>, data: &mut MetricData) {
    let exemplars = match data {
        MetricData::Sum { points, .. } | MetricData::Gauge { points } => {
            points.last_mut().map(|point| &mut point.exemplars)
        }
        MetricData::Histogram { points, .. } => points.last_mut().map(|point| &mut point.exemplars),
        MetricData::ExponentialHistogram { points, .. } => points.last_mut().map(|point| &mut point.exemplars),
    };
    if let Some(exemplars) = exemplars {
        *exemplars = kept;
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Series").field("attributes", &self.attributes).finish_non_exhaustive()
    }
}
