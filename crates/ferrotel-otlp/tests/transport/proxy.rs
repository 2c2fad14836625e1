//! Proxies of the environment.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use ferrotel::config::MapEnv;
use ferrotel::sdk::trace::SpanExporter;
use ferrotel_otlp::{Protocol, SpanExporterBuilder};

use super::batch;
use super::server::{Answer, Server, Speaks, raw};

/// A proxy that understands `CONNECT` and leads everything to one port; returns its port and the heads that it saw.
pub fn connect_proxy(to: u16) -> (u16, Arc<Mutex<Vec<String>>>) {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = heads.clone();
    let port = raw(move |_, mut client| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        seen.lock().unwrap().push(String::from_utf8(head).unwrap());
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
        let server = TcpStream::connect(("127.0.0.1", to)).unwrap();
        let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        std::thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
        let (mut from_server, mut to_client) = (server, client);
        std::thread::spawn(move || std::io::copy(&mut from_server, &mut to_client));
    });
    (port, heads)
}

#[test]
fn grpc_goes_through_connect() {
    let server = Server::start(Speaks::Http2, vec![Answer::grpc(0)]);
    let (proxy, heads) = connect_proxy(server.port);
    let env = MapEnv::from([("https_proxy", format!("http://me:pass@127.0.0.1:{proxy}"))]);
    let exporter =
        SpanExporterBuilder::new(Protocol::Grpc).endpoint("http://collector.test:4317").build_with(&env).unwrap();
    exporter.export(&batch("a")).unwrap();
    assert_eq!(server.count(), 1);
    let heads = heads.lock().unwrap();
    assert!(heads[0].starts_with("CONNECT collector.test:4317 HTTP/1.1\r\n"), "{}", heads[0]);
    assert!(heads[0].to_lowercase().contains("proxy-authorization: basic bwu6cgfzcw=="), "{}", heads[0]);
}

#[test]
fn http_without_tls_is_forwarded_with_the_whole_url() {
    let proxy = Server::start(Speaks::Http1, vec![Answer::http(200)]);
    let env = MapEnv::from([("HTTP_PROXY", format!("http://me:pass@127.0.0.1:{}", proxy.port))]);
    let builder = || SpanExporterBuilder::new(Protocol::HttpProtobuf).endpoint("http://collector.test/v1/traces");
    builder().build_with(&env).unwrap().export(&batch("a")).unwrap();
    let received = proxy.received.lock().unwrap();
    assert_eq!(received[0].path, "http://collector.test/v1/traces");
    assert_eq!(received[0].headers["host"], "collector.test");
    assert_eq!(received[0].headers["proxy-authorization"], "Basic bWU6cGFzcw==");
}

#[test]
fn no_proxy_and_cgi_leave_the_proxy_out() {
    let server = Server::start(Speaks::Http1, vec![Answer::http(200)]);
    let proxy = Server::start(Speaks::Http1, vec![Answer::http(500)]);
    let url = format!("http://127.0.0.1:{}", proxy.port);
    for more in [("NO_PROXY", "example.com,127.0.0.1"), ("REQUEST_METHOD", "GET")] {
        let env = MapEnv::from([("HTTP_PROXY", url.as_str()), more]);
        super::to(Protocol::HttpProtobuf, server.port).build_with(&env).unwrap().export(&batch("a")).unwrap();
    }
    assert_eq!((server.count(), proxy.count()), (2, 0));
}
