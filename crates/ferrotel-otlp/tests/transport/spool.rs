//! Batches that wait on disk.

use std::path::Path;
use std::time::{Duration, Instant};

use ferrotel::common::diagnostics::Level;
use ferrotel::config::MapEnv;
use ferrotel::sdk::trace::SpanExporter;
use ferrotel_otlp::{OtlpSpanExporter, Protocol};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use super::server::{self, Answer, Server, Speaks};
use super::{batch, build, lines, to};

fn spooled(protocol: Protocol, port: u16, folder: &Path) -> OtlpSpanExporter {
    build(to(protocol, port).spool_dir(folder))
}

fn http(port: u16, folder: &Path) -> OtlpSpanExporter {
    spooled(Protocol::HttpProtobuf, port, folder)
}

/// The batches on the disk.
fn kept(folder: &Path) -> usize {
    let Ok(folders) = std::fs::read_dir(folder) else { return 0 };
    let folders = folders.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap());
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "batch")).count()
}

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The names of the spans that a server got.
fn names(server: &Server, framed: bool) -> Vec<String> {
    let received = server.received.lock().unwrap();
    let requests = received.iter().map(|request| {
        let body = if framed { &request.body[5..] } else { &request.body[..] };
        ExportTraceServiceRequest::decode(body).unwrap()
    });
    let scopes = requests.flat_map(|request| request.resource_spans).flat_map(|of_resource| of_resource.scope_spans);
    scopes.flat_map(|of_scope| of_scope.spans).map(|span| span.name).collect()
}

#[test]
fn what_a_collector_that_is_away_does_not_take_is_sent_when_it_is_back() {
    lines::collect();
    for (protocol, speaks, answer) in
        [(Protocol::Grpc, Speaks::Http2, Answer::grpc(0)), (Protocol::HttpProtobuf, Speaks::Http1, Answer::http(200))]
    {
        let folder = tempfile::tempdir().unwrap();
        let port = server::closed_port();
        let exporter = spooled(protocol, port, folder.path());
        assert_eq!(exporter.spool_dir(), Some(folder.path()));
        let began = Instant::now();
        let made: Vec<String> = (0..20).map(|number| format!("span {number}")).collect();
        for name in &made {
            exporter.export(&batch(name)).unwrap();
        }
        assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
        assert_eq!(kept(folder.path()), 20);
        let server = Server::start_at(port, speaks, vec![answer], None);
        eventually("everything is delivered", || server.count() == 20 && kept(folder.path()) == 0);
        assert_eq!(names(&server, protocol == Protocol::Grpc), made, "each once, and in order");
        exporter.export(&batch("live")).unwrap();
        assert_eq!(server.count(), 21, "and the next one goes straight there");

        let root = folder.path().to_str().unwrap();
        eventually("the end is told", || lines::with(root).len() >= 2);
        let said = lines::with(root);
        let told: Vec<_> = said.iter().map(|(level, _, line)| (*level, line.as_str())).collect();
        let [(Level::Warning, away), (Level::Info, back)] = &told[..] else { panic!("{told:?}") };
        assert!(away.contains("Nothing listens") && away.contains("kept in"), "{away}");
        assert!(back.contains("20 batch(es) with 20 item(s)"), "{back}");
    }
}

#[test]
fn the_next_exporter_sends_what_the_last_one_left() {
    let folder = tempfile::tempdir().unwrap();
    let port = server::closed_port();
    let first = http(port, folder.path());
    first.export(&batch("left")).unwrap();
    let began = Instant::now();
    first.shutdown();
    assert!(began.elapsed() < Duration::from_millis(300), "nothing to wait for: {:?}", began.elapsed());
    assert_eq!(kept(folder.path()), 1);
    first.export(&batch("too late")).unwrap_err();

    let server = Server::start_at(port, Speaks::Http1, vec![Answer::http(200)], None);
    let elsewhere = Server::start(Speaks::Http1, vec![Answer::http(200)]);
    let other = http(elsewhere.port, folder.path());
    other.export(&batch("of another")).unwrap();
    let stranger = build(to(Protocol::HttpProtobuf, port).spool_dir(folder.path()).headers([("x-tenant", "2")]));
    stranger.export(&batch("of a stranger")).unwrap();
    other.shutdown();
    stranger.shutdown();
    assert_eq!(kept(folder.path()), 1, "another endpoint's or tenant's is not sent");

    let next = http(port, folder.path());
    next.export(&batch("live")).unwrap();
    next.shutdown();
    assert_eq!(kept(folder.path()), 0, "a moment's time at the end is enough");
    let mut delivered = names(&server, false);
    delivered.sort();
    assert_eq!(delivered, ["left", "live", "of a stranger"]);
    assert_eq!(names(&elsewhere, false), ["of another"]);
}

#[test]
fn what_is_refused_for_good_is_dropped_as_without_a_spool() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Speaks::Http1, vec![Answer::http(400), Answer::http(503), Answer::http(400)]);
    let exporter = http(server.port, folder.path());
    let error = exporter.export(&batch("bad")).unwrap_err();
    assert!(error.to_string().contains("400"), "{error}");
    assert_eq!(kept(folder.path()), 0);
    exporter.export(&batch("kept first")).unwrap();
    assert_eq!(kept(folder.path()), 1);
    eventually("a batch that is refused later does not stay", || kept(folder.path()) == 0);
    assert_eq!(server.count(), 3);
}

#[test]
fn a_backlog_outlives_a_wrong_setting() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Speaks::Http1, vec![Answer::http(503), Answer::http(401)]);
    let exporter = http(server.port, folder.path());
    exporter.export(&batch("kept")).unwrap();
    eventually("it is tried again", || server.count() == 2);
    exporter.shutdown();
    assert_eq!(kept(folder.path()), 1);
}

#[test]
fn a_silent_collector_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let (open, held) = std::sync::mpsc::channel();
    let port = server::raw(move |_, stream| open.send(stream).unwrap());
    let exporter = http(port, folder.path());
    let began = Instant::now();
    for number in 0..30 {
        exporter.export(&batch(&number.to_string())).unwrap();
    }
    let took = began.elapsed();
    assert!(took > Duration::from_millis(190) && took < Duration::from_secs(1), "{took:?}");
    assert_eq!(kept(folder.path()), 30, "with the one that is under way");
    let began = Instant::now();
    exporter.shutdown();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(kept(folder.path()), 30);
    drop(held);
}

#[test]
fn a_slow_collector_gets_everything_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(Speaks::Http1, vec![Answer::http(200).after(Duration::from_millis(350))]);
    let exporter = http(server.port, folder.path());
    let began = Instant::now();
    for number in 0..5 {
        exporter.export(&batch(&number.to_string())).unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(1));
    eventually("everything is delivered", || kept(folder.path()) == 0 && server.count() >= 5);
    assert_eq!(names(&server, false), ["0", "1", "2", "3", "4"]);
}

#[test]
fn where_the_disk_takes_nothing_it_is_as_without_a_spool() {
    lines::collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no directory");
    std::fs::write(&file, "").unwrap();
    let server = Server::start(Speaks::Http1, vec![Answer::http(503).header("retry-after", "0"), Answer::http(200)]);
    let exporter = http(server.port, &file);
    for name in ["first", "second", "third"] {
        exporter.export(&batch(name)).unwrap();
    }
    assert_eq!(server.count(), 4, "tried again, here and now");

    let exporter =
        build(to(Protocol::HttpProtobuf, server::closed_port()).spool_dir(&file).timeout(Duration::from_millis(100)));
    for _ in 0..2 {
        exporter.export(&batch("lost")).unwrap_err();
    }
    let said = lines::with(file.to_str().unwrap());
    let said: Vec<_> = said.iter().filter(|(_, _, line)| line.contains("does not take a batch")).collect();
    assert_eq!(said.len(), 2, "one line of each exporter: {said:?}");
}

#[test]
fn a_forked_child_has_a_sender_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let port = server::closed_port();
    let exporter = http(port, folder.path());
    exporter.export(&batch("parent")).unwrap();
    // SAFETY: the child only uses what the exporter makes anew, and leaves without running the test harness's exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let good = exporter.export(&batch("child")).is_ok();
        exporter.shutdown();
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(if good { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: `child` is this process's child and `status` outlives the call.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
    assert_eq!(kept(folder.path()), 2);
    let server = Server::start_at(port, Speaks::Http1, vec![Answer::http(200)], None);
    eventually("the parent sends both", || kept(folder.path()) == 0);
    assert_eq!(names(&server, false), ["parent", "child"]);
}

#[test]
fn the_environment_names_the_directory_and_code_may_say_none() {
    let folder = tempfile::tempdir().unwrap();
    let env = MapEnv::from_iter([
        ("FERROTEL_SPOOL_DIR", folder.path().to_str().unwrap()),
        ("FERROTEL_SPOOL_MAX_BYTES", "many"),
    ]);
    let exporter = to(Protocol::Grpc, 1).build_with(&env).unwrap();
    assert_eq!(exporter.spool_dir(), Some(folder.path()));
    let exporter = to(Protocol::Grpc, 1).spool_dir("").build_with(&env).unwrap();
    assert_eq!(exporter.spool_dir(), None);
}
