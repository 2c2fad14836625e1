//! Resources: merging, detectors, the default resource.

mod log;

use std::io::Read;
use std::os::fd::FromRawFd;

use ferrotel::common::{Attributes, Value};
use ferrotel::config::MapEnv;
use ferrotel::resource::detectors::{
    EnvDetector, HostDetector, OsDetector, ProcessDetector, ServiceInstanceIdDetector, TelemetrySdkDetector,
    unknown_service_name,
};
use ferrotel::resource::{Resource, ResourceDetector};
use proptest::prelude::*;

fn string<'a>(resource: &'a Resource, key: &str) -> Option<&'a str> {
    match resource.attributes.get(key)? {
        Value::String(text) => Some(text),
        other => panic!("{key} is {other:?}"),
    }
}

fn keys(resource: &Resource) -> Vec<&str> {
    resource.attributes.iter().map(|(key, _)| key.as_str()).collect()
}

#[test]
fn merging_updates_in_place_and_appends() {
    let old = Resource::new([("a", 1), ("b", 2), ("c", 3)]);
    let new = Resource::new([("d", 40), ("b", 20)]);
    let merged = old.merge(&new);
    assert_eq!(merged, Resource::new([("a", 1), ("b", 20), ("c", 3), ("d", 40)]));
    assert_eq!(old.attributes.len(), 3, "the merged ones stay as they are");
}

#[test]
fn merging_keeps_the_one_schema_url() {
    let (none, ours) = (Resource::new([("a", 1)]), Resource::new([("b", 2)]).with_schema_url("http://ours"));
    for (left, right, expected) in [
        (&none, &none, ""),
        (&none, &ours, "http://ours"),
        (&ours, &none, "http://ours"),
        (&ours, &ours, "http://ours"),
    ] {
        assert_eq!(left.merge(right).schema_url, expected);
    }
}

#[test]
fn two_schema_urls_cannot_be_merged() {
    let lines = log::capture(false);
    let ours = Resource::new([("a", 1)]).with_schema_url("http://ours");
    let theirs = Resource::new([("a", 2), ("b", 2)]).with_schema_url("http://theirs");
    assert_eq!(ours.merge(&theirs), ours);
    let lines = lines.of("opentelemetry.sdk.resources");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0]
            .starts_with("Failed to merge resources: The two schemas http://ours and http://theirs are incompatible"),
        "{lines:?}"
    );
}

#[test]
fn the_builder_names_the_service_where_nobody_did() {
    for empty in [Value::from(""), Value::Empty] {
        let resource = Resource::builder().with_attribute("service.name", empty).build();
        assert_eq!(string(&resource, "service.name"), Some(unknown_service_name().as_str()));
    }
    let resource = Resource::builder().with_attribute("service.name", "shop").with_schema_url("http://url").build();
    assert_eq!((string(&resource, "service.name"), resource.schema_url.as_str()), (Some("shop"), "http://url"));

    let executable = std::env::current_exe().unwrap();
    let name = executable.file_name().unwrap().to_string_lossy();
    assert_eq!(unknown_service_name(), format!("unknown_service:{name}"));
}

#[test]
fn a_detector_that_panics_adds_nothing() {
    struct Broken;
    impl ResourceDetector for Broken {
        fn name(&self) -> &'static str {
            "broken"
        }
        fn detect(&self) -> Resource {
            // Unlike `panic!`, prints nothing.
            std::panic::resume_unwind(Box::new("broken"))
        }
    }
    let lines = log::capture(false);
    let resource = Resource::builder().with_attribute("a", 1).with_detector(&Broken).build();
    assert_eq!(keys(&resource), ["a", "service.name"]);
    assert_eq!(lines.of("opentelemetry.sdk.resources"), ["Exception in detector broken, ignoring: it panicked"]);
}

#[test]
fn the_sdk_detector() {
    let resource = TelemetrySdkDetector::default().detect();
    assert_eq!(string(&resource, "telemetry.sdk.name"), Some("ferrotel"));
    assert_eq!(string(&resource, "telemetry.sdk.language"), Some("rust"));
    assert_eq!(string(&resource, "telemetry.sdk.version"), Some(env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_process_detector() {
    let resource = ProcessDetector::default().detect();
    let executable = std::env::current_exe().unwrap();
    assert_eq!(resource.attributes.get("process.pid"), Some(&Value::from(std::process::id())));
    assert_eq!(resource.attributes.get("process.parent_pid"), Some(&Value::from(std::os::unix::process::parent_id())));
    assert_eq!(string(&resource, "process.executable.path"), executable.to_str());
    assert_eq!(string(&resource, "process.executable.name"), executable.file_name().unwrap().to_str());
    assert_eq!(string(&resource, "process.command"), std::env::args().next().as_deref());
    assert_eq!(resource.attributes.get("process.command_args"), None, "arguments may hold secrets");
    assert_eq!(resource.attributes.get("process.command_line"), None);

    let resource = ProcessDetector { include_command_args: true }.detect();
    let args: Vec<String> = std::env::args().collect();
    assert_eq!(string(&resource, "process.command_line"), Some(args.join(" ").as_str()));
    assert_eq!(resource.attributes.get("process.command_args"), Some(&Value::from(args)));
}

#[test]
#[cfg(target_os = "linux")]
fn the_os_and_host_detectors() {
    let read =
        |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|t| !t.is_empty());
    let os = OsDetector.detect();
    assert_eq!(string(&os, "os.type"), Some("linux"));
    assert_eq!(string(&os, "os.version").map(str::to_owned), read("/proc/sys/kernel/osrelease"));
    let host = HostDetector.detect();
    assert_eq!(string(&host, "host.name").map(str::to_owned), read("/proc/sys/kernel/hostname"));
    assert_eq!(string(&host, "host.arch"), Some(std::env::consts::ARCH));
    let id = read("/etc/machine-id").or_else(|| read("/var/lib/dbus/machine-id"));
    assert_eq!(string(&host, "host.id").map(str::to_owned), id);
}

#[test]
fn the_environment_detector_puts_the_service_name_over_the_attributes() {
    let attributes = vec![("service.name".into(), "from attributes".into()), ("team".into(), "blue".into())];
    let mut detector = EnvDetector { attributes, service_name: None };
    assert_eq!(string(&detector.detect(), "service.name"), Some("from attributes"));
    detector.service_name = Some("own".into());
    assert_eq!(string(&detector.detect(), "service.name"), Some("own"));
    assert_eq!(string(&detector.detect(), "team"), Some("blue"));
}

#[test]
fn the_default_resource() {
    let resource = Resource::default_from_env(&MapEnv::default());
    assert_eq!(
        keys(&resource),
        [
            "telemetry.sdk.language",
            "telemetry.sdk.name",
            "telemetry.sdk.version",
            "service.instance.id",
            "service.name"
        ]
    );
    assert_eq!(string(&resource, "service.name"), Some(unknown_service_name().as_str()));
    assert_eq!(resource.schema_url, "");
}

#[test]
fn the_environment_goes_over_detectors_and_the_program_over_the_environment() {
    let env = MapEnv::from([
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a,host.name=mine,service.instance.id=1,key=%C3%A9%2c=%zz,broken"),
        ("OTEL_SERVICE_NAME", "b"),
        ("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", "host, process ,nonsense"),
    ]);
    let lines = log::capture(false);
    let resource = Resource::builder_from_env(&env).with_attribute("own", true).build();
    assert_eq!(string(&resource, "service.name"), Some("b"));
    assert_eq!(string(&resource, "host.name"), Some("mine"));
    assert_eq!(string(&resource, "service.instance.id"), Some("1"));
    assert_eq!(string(&resource, "key"), Some("é,=%zz"));
    assert!(resource.attributes.get("process.pid").is_some());
    assert_eq!(resource.attributes.get("own"), Some(&Value::Bool(true)));
    let lines = lines.of("opentelemetry.sdk.resources");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("Invalid key value resource attribute pair broken: "), "{lines:?}");
    assert!(lines[1].starts_with("Failed to load resource detector 'nonsense', skipping"), "{lines:?}");
}

#[test]
fn detectors_run_in_the_order_of_the_setting() {
    let names = |setting: &str| -> Vec<&str> {
        let env = MapEnv::from([("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", setting)]);
        ferrotel::config::ResourceSettings::from_env(&env).detectors().iter().map(|detector| detector.name()).collect()
    };
    assert_eq!(names(""), ["service_instance", "otel"]);
    assert_eq!(names("os"), ["service_instance", "os", "otel"]);
    assert_eq!(names("otel,os,service_instance"), ["otel", "os", "service_instance"]);
    assert_eq!(names("*"), ["service_instance", "host", "os", "process", "otel"]);
    assert_eq!(names("process,*"), ["service_instance", "process", "host", "os", "otel"]);
}

#[test]
fn which_detectors_depend_on_the_process() {
    let dependent: [&dyn ResourceDetector; 2] = [&ProcessDetector::default(), &ServiceInstanceIdDetector];
    let independent: [&dyn ResourceDetector; 4] =
        [&OsDetector, &HostDetector, &TelemetrySdkDetector::default(), &EnvDetector::default()];
    assert!(dependent.iter().all(|detector| detector.is_process_dependent()));
    assert!(!independent.iter().any(|detector| detector.is_process_dependent()));
}

fn instance_id() -> String {
    string(&ServiceInstanceIdDetector.detect(), "service.instance.id").expect("there is randomness").to_owned()
}

#[test]
fn the_instance_id_is_one_random_uuid_per_process() {
    let ids: Vec<_> = (0..8).map(|_| std::thread::spawn(instance_id)).collect();
    let id = instance_id();
    for other in ids {
        assert_eq!(other.join().unwrap(), id);
    }
    let groups: Vec<&str> = id.split('-').collect();
    assert_eq!(groups.iter().map(|group| group.len()).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    assert!(id.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)), "{id}");
    assert!(groups[2].starts_with('4') && groups[3].starts_with(['8', '9', 'a', 'b']), "{id}: not of version 4");
}

#[test]
fn a_forked_child_has_an_instance_id_of_its_own() {
    let ours = instance_id();
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for the two descriptors.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    // SAFETY: the child makes an id, writes it to the pipe and leaves by `_exit`. It allocates, which glibc allows
    // after a fork: its allocator's locks are handled by the C library itself.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "fork failed");
    if child == 0 {
        let id = instance_id();
        // SAFETY: `id` is readable for its length, which the pipe holds.
        unsafe { libc::write(ends[1], id.as_ptr().cast(), id.len()) };
        // SAFETY: always sound; runs no destructor of the parent's state.
        unsafe { libc::_exit(0) };
    }
    // SAFETY: both descriptors are open and owned by this function alone; each is closed exactly once.
    let mut reader = unsafe {
        libc::close(ends[1]);
        std::fs::File::from_raw_fd(ends[0])
    };
    let mut theirs = String::new();
    reader.read_to_string(&mut theirs).expect("the pipe can be read");
    // SAFETY: `child` is this process's own child and is waited for once; a null status is allowed.
    assert_eq!(unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) }, child);
    assert_eq!(theirs.len(), 36, "{theirs}");
    assert_ne!(theirs, ours);
    assert_eq!(instance_id(), ours, "the parent keeps its own");
}

fn any_resource() -> impl Strategy<Value = Resource> {
    prop::collection::vec(("[a-e]", any::<i64>()), 0..6).prop_map(Resource::new)
}

proptest! {
    #[test]
    fn merging_is_associative_and_the_later_wins(a in any_resource(), b in any_resource(), c in any_resource()) {
        prop_assert_eq!(a.merge(&b).merge(&c), a.merge(&b.merge(&c)));
        prop_assert_eq!(a.merge(&Resource::default()), a.clone());
        prop_assert_eq!(Resource::default().merge(&a), a.clone());
        let merged = a.merge(&b);
        for (key, value) in &merged.attributes {
            let either: &Attributes = if b.attributes.get(key).is_some() { &b.attributes } else { &a.attributes };
            prop_assert_eq!(Some(value), either.get(key));
        }
        prop_assert!(a.attributes.iter().chain(&b.attributes).all(|(key, _)| merged.attributes.get(key).is_some()));
    }
}
