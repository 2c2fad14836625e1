//! Every target on stable Rust: all seeds, all inputs that once failed, and mutations of both, the same in every run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use fastrand::Rng;
use ferrotel_fuzz::{TARGETS, Target, mutation};

/// Mutations of each target in `make test`: a second each. FERROTEL_FUZZ_CASES asks for others.
const CASES: usize = 600;

#[test]
fn every_target_keeps_its_promises() {
    let cases = std::env::var("FERROTEL_FUZZ_CASES").map_or(CASES, |text| text.parse().expect("a number"));
    std::thread::scope(|scope| {
        for target in TARGETS {
            scope.spawn(move || replay(target, cases));
        }
    });
}

fn replay(target: &Target, cases: usize) {
    let seeds = inputs("seeds", target.name);
    assert!(!seeds.is_empty(), "fuzz/seeds/{} holds no input", target.name);
    let inputs: Vec<Vec<u8>> = seeds.into_iter().chain(inputs("regressions", target.name)).collect();
    let mut rng = Rng::with_seed(0x5eed);
    for input in &inputs {
        check(target, input);
    }
    for _ in 0..cases {
        check(target, &mutation::mutate(&inputs, &mut rng));
    }
}

fn inputs(folder: &str, name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(name);
    let Ok(files) = std::fs::read_dir(&folder) else { return Vec::new() };
    let mut paths: Vec<_> = files.map(|file| file.expect("a readable folder").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a readable file")).collect()
}

fn check(target: &Target, input: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_err() {
        let path = std::env::temp_dir().join(format!("ferrotel-fuzz-{}", target.name));
        std::fs::write(&path, input).expect("a writable folder");
        panic!("{}: fails with the input in {}: {:?}", target.name, path.display(), String::from_utf8_lossy(input));
    }
}
