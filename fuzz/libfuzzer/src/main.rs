//! Runs the target that FERROTEL_FUZZ_TARGET names under libFuzzer, whose arguments it takes.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

static RUN: OnceLock<fn(&[u8])> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let run = RUN.get_or_init(|| {
        let name = std::env::var("FERROTEL_FUZZ_TARGET").unwrap_or_default();
        match ferrotel_fuzz::target(&name) {
            Some(target) => target.run,
            None => {
                let names: Vec<_> = ferrotel_fuzz::TARGETS.iter().map(|target| target.name).collect();
                eprintln!("FERROTEL_FUZZ_TARGET has to name a target: {}", names.join(", "));
                std::process::exit(2);
            }
        }
    });
    run(data);
});
