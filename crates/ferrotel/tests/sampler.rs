//! The built-in samplers, and samplers of a program's own among them.

use std::borrow::Cow;
use std::sync::Arc;

use ferrotel::api::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};
use ferrotel::common::{Attributes, Text, Value};
use ferrotel::sdk::trace::{
    AlwaysOff, AlwaysOn, AlwaysRecord, BuiltinSampler, Decision, IdGenerator, ParentBased, RandomIdGenerator, Sampler,
    SamplingParameters, SamplingResult, TraceIdRatioBased,
};
use proptest::prelude::*;

fn parent(is_remote: bool, is_sampled: bool) -> SpanContext {
    SpanContext {
        trace_id: TraceId(0xabc),
        span_id: SpanId(0xdef),
        trace_flags: if is_sampled { TraceFlags::SAMPLED } else { TraceFlags::default() },
        is_remote,
        trace_state: TraceState::from_valid_entries(vec![(Text::from("vendor"), Text::from("x"))]),
    }
}

fn ask(sampler: &dyn Sampler, parent: Option<&SpanContext>, trace_id: TraceId) -> SamplingResult {
    sampler.should_sample(&SamplingParameters::new(parent, trace_id, "span"))
}

#[test]
fn always_on_and_always_off() {
    for parent in [None, Some(&parent(true, false)), Some(&parent(false, true))] {
        assert_eq!(ask(&AlwaysOn, parent, TraceId(1)).decision, Decision::RecordAndSample);
        assert_eq!(ask(&AlwaysOff, parent, TraceId(1)).decision, Decision::Drop);
    }
    assert_eq!(AlwaysOn.description(), "AlwaysOnSampler");
    assert_eq!(AlwaysOff.description(), "AlwaysOffSampler");
}

#[test]
fn the_trace_state_is_that_of_a_valid_parent() {
    let valid = parent(true, true);
    let invalid = SpanContext { span_id: SpanId::INVALID, ..parent(true, true) };
    let ratio = TraceIdRatioBased::new(0.0).unwrap();
    let default = BuiltinSampler::default();
    for sampler in [&AlwaysOn as &dyn Sampler, &AlwaysOff, &ratio, &default, &AlwaysRecord(AlwaysOff)] {
        assert_eq!(ask(sampler, Some(&valid), TraceId(1)).trace_state, valid.trace_state);
        assert!(ask(sampler, Some(&invalid), TraceId(1)).trace_state.is_empty());
        assert!(ask(sampler, None, TraceId(1)).trace_state.is_empty());
    }
}

#[test]
fn decisions() {
    let table = [
        (Decision::Drop, 0, false, false),
        (Decision::RecordOnly, 1, true, false),
        (Decision::RecordAndSample, 2, true, true),
    ];
    for (decision, number, recording, sampled) in table {
        assert_eq!((decision as u8, decision.is_recording(), decision.is_sampled()), (number, recording, sampled));
    }
}

#[test]
fn ratio_bounds_are_the_references() {
    // Made with Python: round(rate * 2**64).
    for (rate, bound) in [
        (0.0, 0),
        (1.0, 0x1_0000_0000_0000_0000),
        (0.5, 0x8000_0000_0000_0000),
        (0.25, 0x4000_0000_0000_0000),
        (0.1, 1_844_674_407_370_955_264),
        (1.0 / 3.0, 6_148_914_691_236_516_864),
    ] {
        assert_eq!(TraceIdRatioBased::new(rate).unwrap().bound(), bound, "rate {rate}");
    }
    // Ties go to the even number, as in Python: 0.5, 1.5 and 2.5 parts of 2^64.
    let part = 2_f64.powi(-64);
    for (parts, bound) in [(0.5, 0), (1.5, 2), (2.5, 2), (1.0, 1)] {
        assert_eq!(TraceIdRatioBased::new(parts * part).unwrap().bound(), bound, "{parts} parts");
    }
}

#[test]
fn ratio_looks_at_the_low_64_bits_only() {
    let half = TraceIdRatioBased::new(0.5).unwrap();
    let high = 0xdead_beef_u128 << 64;
    assert_eq!(half.decide(TraceId(high | 0x7fff_ffff_ffff_ffff)), Decision::RecordAndSample);
    assert_eq!(half.decide(TraceId(high | 0x8000_0000_0000_0000)), Decision::Drop);
    assert_eq!(TraceIdRatioBased::new(1.0).unwrap().decide(TraceId(u128::MAX)), Decision::RecordAndSample);
    assert_eq!(TraceIdRatioBased::new(0.0).unwrap().decide(TraceId(u128::MAX << 64)), Decision::Drop);
}

#[test]
fn ratio_samples_its_share() {
    let sampler = TraceIdRatioBased::new(0.2).unwrap();
    let sampled = (0..50_000).filter(|_| sampler.decide(RandomIdGenerator.generate_trace_id()).is_sampled()).count();
    assert!((9_300..10_700).contains(&sampled), "{sampled} of 50,000");
}

#[test]
fn ratio_refuses_what_is_no_share() {
    for rate in [-0.1, 1.000_001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = TraceIdRatioBased::new(rate).unwrap_err();
        assert!(error.to_string().contains("between 0.0 and 1.0"), "{error}");
    }
}

#[test]
fn ratio_is_described_as_python_prints_the_rate() {
    for (rate, text) in
        [(1.0, "1.0"), (0.0, "0.0"), (0.25, "0.25"), (0.0001, "0.0001"), (0.00001, "1e-05"), (2.5e-12, "2.5e-12")]
    {
        assert_eq!(TraceIdRatioBased::new(rate).unwrap().description(), format!("TraceIdRatioBased{{{text}}}"));
    }
}

/// Answers with a name of its own, so that a test sees who was asked.
struct Named(&'static str);

impl Sampler for Named {
    fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
        let mut result = SamplingResult::new(Decision::RecordOnly, span);
        result.attributes.push((Text::from("asked"), Value::from(self.0)));
        result
    }

    fn description(&self) -> Cow<'static, str> {
        self.0.into()
    }
}

#[test]
fn parent_based_asks_the_right_delegate() {
    let mut sampler = ParentBased::new(Arc::new(Named("root")));
    sampler.remote_parent_sampled = Arc::new(Named("remote sampled"));
    sampler.remote_parent_not_sampled = Arc::new(Named("remote not sampled"));
    sampler.local_parent_sampled = Arc::new(Named("local sampled"));
    sampler.local_parent_not_sampled = Arc::new(Named("local not sampled"));

    let invalid = SpanContext { trace_id: TraceId::INVALID, ..parent(true, true) };
    for (parent, asked) in [
        (None, "root"),
        (Some(invalid), "root"),
        (Some(parent(true, true)), "remote sampled"),
        (Some(parent(true, false)), "remote not sampled"),
        (Some(parent(false, true)), "local sampled"),
        (Some(parent(false, false)), "local not sampled"),
    ] {
        let result = ask(&sampler, parent.as_ref(), TraceId(1));
        assert_eq!(result.attributes, [(Text::from("asked"), Value::from(asked))]);
    }
    assert_eq!(
        sampler.description(),
        "ParentBased{root:root,remoteParentSampled:remote sampled,remoteParentNotSampled:remote not sampled,\
         localParentSampled:local sampled,localParentNotSampled:local not sampled}"
    );
}

#[test]
fn the_default_sampler_is_described_like_the_references() {
    let expected = "ParentBased{root:AlwaysOnSampler,remoteParentSampled:AlwaysOnSampler,remoteParentNotSampled:\
                    AlwaysOffSampler,localParentSampled:AlwaysOnSampler,localParentNotSampled:AlwaysOffSampler}";
    assert_eq!(BuiltinSampler::default().description(), expected);
    assert_eq!(ParentBased::new(Arc::new(AlwaysOn)).description(), expected);
}

#[test]
fn always_record_never_drops_and_never_samples_more() {
    let recorded = AlwaysRecord(AlwaysOff);
    assert_eq!(ask(&recorded, None, TraceId(1)).decision, Decision::RecordOnly);
    assert_eq!(ask(&AlwaysRecord(AlwaysOn), None, TraceId(1)).decision, Decision::RecordAndSample);
    assert_eq!(ask(&AlwaysRecord(Named("own")), None, TraceId(1)).attributes.len(), 1);
    assert_eq!(recorded.description(), "AlwaysRecordSampler{AlwaysOffSampler}");
}

#[test]
fn a_sampler_sees_what_the_span_starts_with() {
    struct Curious;
    impl Sampler for Curious {
        fn should_sample(&self, span: &SamplingParameters<'_>) -> SamplingResult {
            let important = span.attributes.and_then(|attributes| attributes.get("important")).is_some();
            let decision = if important && span.name == "job" { Decision::RecordAndSample } else { Decision::Drop };
            SamplingResult::new(decision, span)
        }
        fn description(&self) -> Cow<'static, str> {
            "Curious".into()
        }
    }
    let attributes: Attributes = [("important", true)].into_iter().collect();
    let with = SamplingParameters { attributes: Some(&attributes), ..SamplingParameters::new(None, TraceId(1), "job") };
    assert_eq!(Curious.should_sample(&with).decision, Decision::RecordAndSample);
    assert_eq!(ask(&Curious, None, TraceId(1)).decision, Decision::Drop);
}

fn any_builtin() -> impl Strategy<Value = (BuiltinSampler, Arc<dyn Sampler>)> {
    let leaf = prop_oneof![
        Just((BuiltinSampler::AlwaysOn, Arc::new(AlwaysOn) as Arc<dyn Sampler>)),
        Just((BuiltinSampler::AlwaysOff, Arc::new(AlwaysOff) as Arc<dyn Sampler>)),
        (0.0..=1.0).prop_map(|rate| {
            let ratio = TraceIdRatioBased::new(rate).unwrap();
            (BuiltinSampler::TraceIdRatioBased(ratio), Arc::new(ratio) as Arc<dyn Sampler>)
        }),
    ];
    leaf.prop_recursive(3, 16, 5, |inner| {
        prop_oneof![
            prop::array::uniform5(inner.clone()).prop_map(|[root, rs, rn, ls, ln]| {
                let builtin = BuiltinSampler::ParentBased(Box::new(ParentBased {
                    root: root.0,
                    remote_parent_sampled: rs.0,
                    remote_parent_not_sampled: rn.0,
                    local_parent_sampled: ls.0,
                    local_parent_not_sampled: ln.0,
                }));
                let general = ParentBased {
                    root: root.1,
                    remote_parent_sampled: rs.1,
                    remote_parent_not_sampled: rn.1,
                    local_parent_sampled: ls.1,
                    local_parent_not_sampled: ln.1,
                };
                (builtin, Arc::new(general) as Arc<dyn Sampler>)
            }),
            inner.prop_map(|(builtin, general)| {
                let builtin = BuiltinSampler::AlwaysRecord(Box::new(AlwaysRecord(builtin)));
                (builtin, Arc::new(AlwaysRecord(general)) as Arc<dyn Sampler>)
            }),
        ]
    })
}

proptest! {
    /// The fast path and the trait's own road come to the same decision and describe themselves alike.
    #[test]
    fn the_enum_decides_like_the_samplers_it_stands_for(
        (builtin, general) in any_builtin(),
        remote: bool,
        sampled: bool,
        has_parent: bool,
        trace_id: u128,
    ) {
        let parent = has_parent.then(|| parent(remote, sampled));
        let expected = ask(&general, parent.as_ref(), TraceId(trace_id));
        prop_assert_eq!(ask(&builtin, parent.as_ref(), TraceId(trace_id)), expected.clone());
        prop_assert_eq!(builtin.decide(parent.as_ref(), TraceId(trace_id)), expected.decision);
        prop_assert_eq!(builtin.description(), general.description());
    }

    /// A trace that is sampled at one rate is sampled at every higher one.
    #[test]
    fn a_higher_rate_samples_more(a in 0.0..=1.0_f64, b in 0.0..=1.0_f64, trace_id: u128) {
        let (low, high) = (TraceIdRatioBased::new(a.min(b)).unwrap(), TraceIdRatioBased::new(a.max(b)).unwrap());
        prop_assert!(!low.decide(TraceId(trace_id)).is_sampled() || high.decide(TraceId(trace_id)).is_sampled());
    }
}
