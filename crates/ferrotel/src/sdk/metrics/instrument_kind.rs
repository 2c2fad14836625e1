//! The kinds of instruments.

/// What an instrument is (specification: metrics API, instruments).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InstrumentKind {
    /// A sum that only grows, reported by its increments.
    Counter,
    /// A sum that grows and shrinks, reported by its changes.
    UpDownCounter,
    /// Values of which the distribution matters.
    Histogram,
    /// Values of which the last one matters.
    Gauge,
    /// A sum that only grows, read when metrics are collected.
    ObservableCounter,
    /// A sum that grows and shrinks, read when metrics are collected.
    ObservableUpDownCounter,
    /// A value that is read when metrics are collected.
    ObservableGauge,
}

impl InstrumentKind {
    /// All of them.
    pub const ALL: [InstrumentKind; 7] = [
        InstrumentKind::Counter,
        InstrumentKind::UpDownCounter,
        InstrumentKind::Histogram,
        InstrumentKind::Gauge,
        InstrumentKind::ObservableCounter,
        InstrumentKind::ObservableUpDownCounter,
        InstrumentKind::ObservableGauge,
    ];

    /// Whether the program reports each measurement when it happens; the others are observed when metrics are collected.
    pub const fn is_synchronous(self) -> bool {
        matches!(
            self,
            InstrumentKind::Counter | InstrumentKind::UpDownCounter | InstrumentKind::Histogram | InstrumentKind::Gauge
        )
    }

    /// Whether a sum of its measurements never shrinks.
    pub const fn is_monotonic(self) -> bool {
        matches!(self, InstrumentKind::Counter | InstrumentKind::ObservableCounter)
    }

    /// Its name in the API, for example `UpDownCounter`.
    pub const fn name(self) -> &'static str {
        match self {
            InstrumentKind::Counter => "Counter",
            InstrumentKind::UpDownCounter => "UpDownCounter",
            InstrumentKind::Histogram => "Histogram",
            InstrumentKind::Gauge => "Gauge",
            InstrumentKind::ObservableCounter => "ObservableCounter",
            InstrumentKind::ObservableUpDownCounter => "ObservableUpDownCounter",
            InstrumentKind::ObservableGauge => "ObservableGauge",
        }
    }
}
