//! Environment variables: their list, their values, and what is said about malformed ones.

mod log;

use std::collections::HashSet;
use std::time::Duration;

use ferrotel::api::trace::TraceId;
use ferrotel::common::diagnostics::Level;
use ferrotel::config::{
    BatchSettings, EnvSource, LogLevel, LogRecordLimitSettings, LogSettings, MapEnv, ProcessEnv, Reader,
    ResourceSettings, SamplerSettings, Settings, SpanLimitSettings, TraceSettings, env_vars, parse,
};
use ferrotel::propagation::percent;
use ferrotel::sdk::trace::{BuiltinSampler, Decision, Sampler, SpanLimits};
use proptest::prelude::*;

fn env(name: &str, value: &str) -> MapEnv {
    MapEnv::from([(name, value)])
}

#[test]
fn the_list_of_variables_is_whole_and_documented() {
    let mut names = HashSet::new();
    for variable in env_vars::ALL {
        assert!(variable.name.starts_with("OTEL_") || variable.name.starts_with("FERROTEL_"), "{}", variable.name);
        assert!(names.insert(variable.name), "{} stands there twice", variable.name);
        assert!(variable.doc.ends_with('.') && !variable.doc.starts_with(' '), "{}: {:?}", variable.name, variable.doc);
        assert!(!variable.section.title().is_empty());
    }
    let sections: Vec<_> = env_vars::ALL.iter().map(|variable| variable.section).collect();
    assert!(sections.is_sorted(), "each section is in one piece");
}

/// The defaults that the list tells people are those that hold.
#[test]
fn documented_defaults_are_the_defaults() {
    let documented: MapEnv = env_vars::ALL.iter().filter_map(|v| Some((v.name, v.default?))).collect();
    let lines = log::capture(false);
    let settings = Settings::from_env(&documented);
    let default = Settings {
        propagators: Some(vec!["tracecontext".into(), "baggage".into()]),
        ..Settings::from_env(&MapEnv::default())
    };
    assert_eq!(settings, default);
    assert_eq!(Settings { propagators: None, ..settings }, Settings::default());
    assert!(lines.of("opentelemetry.sdk.trace.export").is_empty());
}

#[test]
fn an_empty_environment_is_no_reason_to_speak() {
    let lines = log::capture(false);
    let empty: MapEnv = env_vars::ALL.iter().map(|variable| (variable.name, "")).collect();
    let settings = Settings::from_env(&empty);
    let span_limits = SpanLimitSettings::from_env(&empty);
    let limits = LogRecordLimitSettings { attribute_count: None, attribute_value_length: None };
    assert_eq!(
        settings,
        Settings {
            traces: TraceSettings { span_limits, ..TraceSettings::default() },
            logs: LogSettings { limits, ..LogSettings::default() },
            ..Settings::default()
        }
    );
    for target in TARGETS {
        assert_eq!(lines.of(target), [""; 0], "{target}");
    }
}

const TARGETS: [&str; 5] = [
    "opentelemetry.sdk.environment_variables",
    "opentelemetry.sdk.resources",
    "opentelemetry.sdk.trace",
    "opentelemetry.sdk.trace.export",
    "opentelemetry.sdk.trace.sampling",
];

#[test]
fn the_process_environment() {
    let (name, value) = std::env::vars().next().expect("cargo sets some");
    assert_eq!(ProcessEnv.var(&name), Some(value));
    for strange in ["", "A=B", "nul\0", "FERROTEL_IS_NOT_SET"] {
        assert_eq!(ProcessEnv.var(strange), None);
    }
}

#[test]
fn booleans() {
    for (text, expected) in [
        ("true", Ok(true)),
        (" TRUE\n", Ok(true)),
        ("False", Ok(false)),
        ("1", Err(())),
        ("yes", Err(())),
        ("", Err(())),
    ] {
        assert_eq!(parse::boolean(text).map_err(drop), expected, "{text:?}");
    }
}

#[test]
fn integers_and_sizes_and_limits() {
    for (text, expected) in [
        ("0", Some(0)),
        (" +12\t", Some(12)),
        ("007", Some(7)),
        ("99999999999999999999999", Some(u64::MAX)),
        ("", None),
        ("+", None),
        ("++1", None),
        ("-1", None),
        ("1.0", None),
        ("1_000", None),
        ("0x10", None),
        ("١", None),
    ] {
        assert_eq!(parse::integer(text).ok(), expected, "{text:?}");
    }
    assert_eq!((parse::size("1").ok(), parse::size("0").ok()), (Some(1), None));
    assert_eq!((parse::limit("0"), parse::limit(" "), parse::limit("no").ok()), (Ok(Some(0)), Ok(None), None));
}

#[test]
fn durations() {
    let ms = Duration::from_millis;
    assert_eq!((parse::millis("200"), parse::millis("0").ok()), (Ok(ms(200)), None));
    assert_eq!(parse::timeout_millis("0"), Ok(None));
    assert_eq!(parse::timeout_millis("200"), Ok(Some(ms(200))));
    for (text, expected) in [
        ("10", Some(ms(10_000))),
        (" 0.25 ", Some(ms(250))),
        ("1e-3", Some(ms(1))),
        ("0", Some(ms(0))),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1e300", None),
        ("10s", None),
        ("", None),
    ] {
        assert_eq!(parse::seconds(text).ok(), expected, "{text:?}");
    }
}

#[test]
fn one_line_says_what_is_malformed_and_what_holds_instead() {
    let lines = log::capture(false);
    let env = MapEnv::from([
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "-5"),
        ("OTEL_SDK_DISABLED", "1"),
        ("OTEL_LOG_LEVEL", &"loud".repeat(100)),
    ]);
    assert_eq!(Settings::from_env(&env), Settings::default());
    assert_eq!(
        lines.of("opentelemetry.sdk.trace.export"),
        ["Invalid value for OTEL_BSP_MAX_QUEUE_SIZE: \"many\". Expected a positive integer. Defaulting to 2048."]
    );
    assert_eq!(
        lines.of("opentelemetry.sdk.trace"),
        [
            "Invalid value for OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: \"-5\". Expected a non-negative integer. Ignoring it."
        ]
    );
    let general = lines.of("opentelemetry.sdk.environment_variables");
    assert_eq!(
        general[0],
        "Invalid value for OTEL_SDK_DISABLED: \"1\". Expected 'true' or 'false'. Defaulting to false."
    );
    assert!(general[1].starts_with("Invalid value for OTEL_LOG_LEVEL: \"loudloud") && general[1].len() < 200);
    assert_eq!(general.len(), 2);
}

#[test]
fn general_settings() {
    let settings = Settings::from_env(&MapEnv::from([
        ("OTEL_SDK_DISABLED", " True "),
        ("OTEL_LOG_LEVEL", "WARN"),
        ("OTEL_PROPAGATORS", "b3, tracecontext ,b3"),
        ("OTEL_TRACES_EXPORTER", "otlp,console"),
    ]));
    assert!(settings.sdk_disabled);
    assert_eq!(settings.log_level, Some(LogLevel::From(Level::Warning)));
    assert_eq!(settings.propagators, Some(vec!["b3".into(), "tracecontext".into()]));
    assert_eq!(settings.traces.exporters, ["otlp", "console"]);
}

#[test]
fn log_levels() {
    for (name, shown) in
        [("debug", 4), ("Info", 3), ("warning", 2), ("ERROR", 1), ("critical", 1), ("none", 0), ("off", 0)]
    {
        let level = LogLevel::parse(name).unwrap();
        let levels = [Level::Debug, Level::Info, Level::Warning, Level::Error];
        assert_eq!(levels.into_iter().filter(|line| level.shows(*line)).count(), shown, "{name}");
    }
    assert!(LogLevel::parse("loud").is_err());
}

#[test]
fn resource_settings() {
    let lines = log::capture(false);
    let settings = ResourceSettings::from_env(&MapEnv::from([
        ("OTEL_RESOURCE_ATTRIBUTES", " a = 1 ,b=x%20y%2Cz,,c,=d,e=,a=2,f=%ff,g=a+b,"),
        ("OTEL_SERVICE_NAME", " spaced "),
        ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", " os,, host"),
    ]));
    let expected = [("a", "2"), ("b", "x y,z"), ("e", ""), ("f", "\u{fffd}"), ("g", "a+b")];
    assert_eq!(settings.attributes, expected.map(|(key, value)| (key.into(), value.into())));
    assert_eq!(settings.service_name.as_deref(), Some(" spaced "));
    assert_eq!(settings.detector_names, ["os", "host"]);
    let lines = lines.of("opentelemetry.sdk.resources");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("pair c: ") && lines[1].contains("pair =d: "), "{lines:?}");
}

#[test]
fn samplers() {
    let read = |name: &str, arg: &str| {
        SamplerSettings::from_env(&MapEnv::from([("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", arg)]))
    };
    for (name, expected) in [
        ("always_on", SamplerSettings::AlwaysOn),
        ("ALWAYS_OFF", SamplerSettings::AlwaysOff),
        ("traceidratio", SamplerSettings::TraceIdRatio(0.25)),
        ("parentbased_always_on", SamplerSettings::ParentBasedAlwaysOn),
        ("parentbased_always_off", SamplerSettings::ParentBasedAlwaysOff),
        ("ParentBased_TraceIdRatio", SamplerSettings::ParentBasedTraceIdRatio(0.25)),
        ("", SamplerSettings::ParentBasedAlwaysOn),
    ] {
        assert_eq!(read(name, "0.25"), expected, "{name}");
    }

    let lines = log::capture(false);
    assert_eq!(read("jaeger_remote", ""), SamplerSettings::default());
    for arg in ["", "half", "1.5", "-0.1", "nan"] {
        assert_eq!(read("traceidratio", arg), SamplerSettings::TraceIdRatio(1.0), "{arg}");
    }
    let lines = lines.of("opentelemetry.sdk.trace.sampling");
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert!(lines[0].starts_with("Couldn't recognize sampler jaeger_remote."), "{lines:?}");
    let ratio = "Could not convert TRACES_SAMPLER_ARG to float. Using default rate 1.0.";
    assert!(lines[1..].iter().all(|line| line.starts_with(ratio)), "{lines:?}");
}

#[test]
fn settings_become_samplers() {
    let off = BuiltinSampler::try_from(SamplerSettings::AlwaysOff).unwrap();
    assert_eq!(off.decide(None, TraceId(1)), Decision::Drop);
    for (settings, description) in [
        (SamplerSettings::AlwaysOn, "AlwaysOnSampler"),
        (SamplerSettings::TraceIdRatio(0.5), "TraceIdRatioBased{0.5}"),
        (SamplerSettings::ParentBasedAlwaysOn, "ParentBased{root:AlwaysOnSampler,"),
        (SamplerSettings::ParentBasedAlwaysOff, "ParentBased{root:AlwaysOffSampler,"),
        (SamplerSettings::ParentBasedTraceIdRatio(0.5), "ParentBased{root:TraceIdRatioBased{0.5},"),
    ] {
        let sampler = BuiltinSampler::try_from(settings).unwrap();
        assert!(sampler.description().starts_with(description), "{}", sampler.description());
    }
    assert!(BuiltinSampler::try_from(SamplerSettings::TraceIdRatio(2.0)).is_err());
}

#[test]
fn span_limits_follow_the_narrowest_variable() {
    assert_eq!(SpanLimitSettings::from_env(&MapEnv::default()), SpanLimitSettings::default());
    assert_eq!(SpanLimits::from(&SpanLimitSettings::default()), SpanLimits::default());

    let limits = SpanLimits::from(&SpanLimitSettings::from_env(&MapEnv::from([
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "9"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "40"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "8"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "7"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "0"),
    ])));
    let expected = SpanLimits {
        max_span_attributes: Some(9),
        max_event_attributes: Some(8),
        max_link_attributes: Some(9),
        max_events: Some(7),
        max_links: Some(0),
        max_attribute_length: Some(40),
        max_span_attribute_length: Some(40),
    };
    assert_eq!(limits, expected);

    let limits = SpanLimits::from(&SpanLimitSettings::from_env(&MapEnv::from([
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", ""),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "5"),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "20"),
    ])));
    let expected = SpanLimits {
        max_span_attributes: None,
        max_link_attributes: Some(5),
        max_span_attribute_length: Some(20),
        ..SpanLimits::default()
    };
    assert_eq!(limits, expected, "set to nothing means no limit");
}

#[test]
fn batch_settings_are_always_valid() {
    let read = |variables: &[(&str, &str)]| BatchSettings::from_env(&variables.iter().copied().collect::<MapEnv>());
    let all = read(&[
        ("OTEL_BSP_SCHEDULE_DELAY", "1"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "3"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2"),
    ]);
    let expected = BatchSettings {
        schedule_delay: Duration::from_millis(1),
        export_timeout: None,
        max_queue_size: 3,
        max_export_batch_size: 2,
    };
    assert_eq!(all, expected);

    let lines = log::capture(false);
    assert_eq!(read(&[("OTEL_BSP_MAX_QUEUE_SIZE", "100")]).max_export_batch_size, 100);
    assert_eq!(lines.of("opentelemetry.sdk.trace.export"), [""; 0], "a default gives way without a word");
    let clamped = read(&[("OTEL_BSP_MAX_QUEUE_SIZE", "100"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "200")]);
    assert_eq!((clamped.max_queue_size, clamped.max_export_batch_size), (100, 100));
    let said = lines.of("opentelemetry.sdk.trace.export");
    assert!(said.len() == 1 && said[0].starts_with("OTEL_BSP_MAX_EXPORT_BATCH_SIZE is 200"), "{said:?}");
}

#[test]
fn a_reader_strips_and_takes_empty_for_not_set() {
    let (set, empty) = (env("OTEL_SERVICE_NAME", " x "), env("OTEL_SERVICE_NAME", "  "));
    let (set, empty) = (Reader::new(&set, "test"), Reader::new(&empty, "test"));
    let variable = &env_vars::OTEL_SERVICE_NAME;
    assert_eq!((set.raw(variable).as_deref(), set.text(variable).as_deref()), (Some(" x "), Some("x")));
    assert_eq!((empty.raw(variable).as_deref(), empty.text(variable)), (Some("  "), None));
}

/// Text in which what parsers look for is frequent.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[ ,=%+0-9a-fé\\x00-\\x1f-]{0,40}", any::<String>()]
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in any_text()) {
        let _ = (parse::boolean(&text), parse::integer(&text), parse::size(&text), parse::limit(&text));
        let _ = (parse::millis(&text), parse::timeout_millis(&text), parse::seconds(&text), parse::ratio(&text));
        let _ = (parse::list(&text), parse::key_values(&text, |_| ()), LogLevel::parse(&text));
    }

    #[test]
    fn no_environment_makes_settings_panic_or_invalid(values in prop::collection::vec(any_text(), env_vars::ALL.len())) {
        let _quiet = log::capture(false);
        let env: MapEnv = env_vars::ALL.iter().map(|variable| variable.name).zip(values).collect();
        let settings = Settings::from_env(&env);
        let batch = settings.traces.batch;
        prop_assert!(batch.max_export_batch_size >= 1 && batch.max_export_batch_size <= batch.max_queue_size);
        prop_assert!(!batch.schedule_delay.is_zero());
        prop_assert!(BuiltinSampler::try_from(settings.traces.sampler).is_ok());
        ferrotel::resource::Resource::default_from_env(&env);
    }

    #[test]
    fn integers_survive(number: u64, spaces in "[ \\t\\n]{0,3}") {
        prop_assert_eq!(parse::integer(&format!("{spaces}{number}{spaces}")), Ok(number));
    }

    /// Encoded as the specification demands, any pair comes back.
    #[test]
    fn encoded_pairs_come_back(pairs in prop::collection::btree_map("[a-z.]{1,8}", any::<String>(), 0..6)) {
        let encode = |value: &str| value.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let text: Vec<_> = pairs.iter().map(|(key, value)| format!("{key} = {}", encode(value))).collect();
        let mut refused = 0;
        let read = parse::key_values(&text.join(","), |_| refused += 1);
        prop_assert_eq!(read, pairs.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(refused, 0);
    }

    /// Every member of a list of pairs is either understood, refused or empty.
    #[test]
    fn no_member_is_lost(text in any_text()) {
        let mut refused = 0;
        let pairs = parse::key_values(&text, |_| refused += 1);
        let members: Vec<_> = text.split(',').map(percent::strip).collect();
        let good = members.iter().filter(|m| m.split_once('=').is_some_and(|(key, _)| !percent::strip(key).is_empty()));
        prop_assert_eq!(refused, members.iter().filter(|m| !m.is_empty()).count() - good.clone().count());
        prop_assert!(pairs.len() <= good.count());
    }
}
