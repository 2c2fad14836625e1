//! An exporter that was used before a fork works in the child and in the parent.

use ferrotel::sdk::trace::SpanExporter;
use ferrotel_otlp::Protocol;

use super::server::{Answer, Server, Speaks};
use super::{batch, build, to};

#[test]
fn a_forked_child_makes_its_own_connections() {
    for (protocol, speaks, answer) in
        [(Protocol::Grpc, Speaks::Http2, Answer::grpc(0)), (Protocol::HttpProtobuf, Speaks::Http1, Answer::http(200))]
    {
        let server = Server::start(speaks, vec![answer]);
        let exporter = build(to(protocol, server.port));
        exporter.export(&batch("before")).unwrap();
        // SAFETY: the child only uses what the exporter makes anew, and leaves without running the test harness's exit.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let good = (0..2).all(|_| exporter.export(&batch("child")).is_ok());
            // SAFETY: ends the child at once.
            unsafe { libc::_exit(if good { 0 } else { 1 }) };
        }
        exporter.export(&batch("parent")).unwrap();
        let mut status = 0;
        // SAFETY: `child` is this process's child and `status` outlives the call.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0);
        exporter.export(&batch("after")).unwrap();
        assert_eq!(server.count(), 5);
        assert_eq!(server.connections.load(std::sync::atomic::Ordering::SeqCst), 2);
    }
}
