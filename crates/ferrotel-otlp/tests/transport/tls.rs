//! TLS and mutual TLS, with certificates made here.

use std::sync::Arc;

use ferrotel::config::MapEnv;
use ferrotel::sdk::trace::SpanExporter;
use ferrotel_otlp::{Protocol, SpanExporterBuilder};
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::proxy::connect_proxy;
use super::server::{Answer, Server, Speaks};
use super::{batch, build};

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

struct Leaf {
    certificate: String,
    key: String,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Authority { pem: params.self_signed(&key).unwrap().pem(), issuer: Issuer::new(params, key) }
    }

    fn sign(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> Leaf {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages.push(usage);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap().pem();
        Leaf { certificate, key: key.serialize_pem() }
    }
}

fn server_config(leaf: &Leaf, clients: Option<&Authority>, speaks: Speaks) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = vec![CertificateDer::from_pem_slice(leaf.certificate.as_bytes()).unwrap()];
    let mut config =
        builder.with_single_cert(chain, PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).unwrap()).unwrap();
    config.alpn_protocols = vec![if speaks == Speaks::Http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    Arc::new(config)
}

const KINDS: [(Protocol, Speaks); 2] = [(Protocol::Grpc, Speaks::Http2), (Protocol::HttpProtobuf, Speaks::Http1)];

fn start(speaks: Speaks, leaf: &Leaf, clients: Option<&Authority>) -> Server {
    let answer = if speaks == Speaks::Http2 { Answer::grpc(0) } else { Answer::http(200) };
    Server::start_with(speaks, vec![answer], Some(server_config(leaf, clients, speaks)))
}

fn secure(protocol: Protocol, host: &str, port: u16) -> SpanExporterBuilder {
    SpanExporterBuilder::new(protocol).endpoint(format!("https://{host}:{port}/v1/traces"))
}

#[test]
fn a_given_authority_is_trusted() {
    let authority = Authority::new("ca");
    let leaf = authority.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    for (protocol, speaks) in KINDS {
        let server = start(speaks, &leaf, None);
        let exporter = build(secure(protocol, "localhost", server.port).certificate_pem(authority.pem.clone()));
        exporter.export(&batch("a")).unwrap();
        exporter.export(&batch("b")).unwrap();
        assert_eq!(server.count(), 2);
    }
}

#[test]
fn tls_goes_through_a_proxy() {
    let authority = Authority::new("ca");
    let leaf = authority.sign("collector.test", ExtendedKeyUsagePurpose::ServerAuth);
    for (protocol, speaks) in KINDS {
        let server = start(speaks, &leaf, None);
        let (proxy, heads) = connect_proxy(server.port);
        let env = MapEnv::from([("HTTPS_PROXY", format!("http://127.0.0.1:{proxy}"))]);
        let builder = secure(protocol, "collector.test", 443).certificate_pem(authority.pem.clone());
        builder.build_with(&env).unwrap().export(&batch("a")).unwrap();
        assert_eq!(server.count(), 1);
        assert!(heads.lock().unwrap()[0].starts_with("CONNECT collector.test:443 HTTP/1.1\r\n"));
    }
}

#[test]
fn an_unknown_authority_and_a_wrong_name_are_refused_at_once_and_told() {
    let (authority, other) = (Authority::new("ca"), Authority::new("other"));
    let leaf = authority.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    for (protocol, speaks) in KINDS {
        let server = start(speaks, &leaf, None);
        for (host, trusted, remedy) in [
            ("localhost", &other, "OTEL_EXPORTER_OTLP_CERTIFICATE"),
            ("127.0.0.1", &authority, "for another host name"),
        ] {
            let exporter = build(secure(protocol, host, server.port).certificate_pem(trusted.pem.clone()));
            let error = exporter.export(&batch("a")).unwrap_err().to_string();
            assert!(error.contains(remedy), "{error}");
        }
        assert_eq!(server.count(), 0);
    }
}

#[test]
fn mutual_tls_shows_the_clients_certificate() {
    let (authority, clients) = (Authority::new("ca"), Authority::new("clients"));
    let leaf = authority.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let client = clients.sign("client", ExtendedKeyUsagePurpose::ClientAuth);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let both = format!("{}{}", client.certificate, client.key);
    for (protocol, speaks) in KINDS {
        let server = start(speaks, &leaf, Some(&clients));
        let trusting = || secure(protocol, "localhost", server.port).certificate_file(file("ca.pem", &authority.pem));
        let in_two_files = trusting()
            .client_certificate_file(file("client.pem", &client.certificate))
            .client_key_file(file("client.key", &client.key));
        build(in_two_files).export(&batch("a")).unwrap();
        build(trusting().client_certificate_file(file("both.pem", &both))).export(&batch("b")).unwrap();
        assert_eq!(server.count(), 2);

        let error = build(trusting()).export(&batch("c")).unwrap_err().to_string();
        assert!(error.contains("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"), "{error}");
        assert_eq!(server.count(), 2);
    }
}

#[test]
fn tls_against_a_server_without_it_and_the_other_way_round_are_told() {
    let authority = Authority::new("ca");
    let leaf = authority.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    for (protocol, speaks) in KINDS {
        let plain = Server::start(speaks, vec![Answer::http(200)]);
        let error = build(secure(protocol, "localhost", plain.port)).export(&batch("a")).unwrap_err().to_string();
        assert!(error.contains("does not speak TLS on this port"), "{error}");

        let server = start(speaks, &leaf, None);
        let error = build(super::to(protocol, server.port)).export(&batch("a")).unwrap_err().to_string();
        assert!(error.contains("write the endpoint with https://"), "{error}");
    }
}

#[test]
fn files_that_are_no_certificates_are_refused_at_configuration() {
    let authority = Authority::new("ca");
    let leaf = authority.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let other = authority.sign("localhost", ExtendedKeyUsagePurpose::ServerAuth);
    let builder = || SpanExporterBuilder::new(Protocol::Grpc).endpoint("https://localhost:4317");
    let env = MapEnv::default();
    for (builder, part) in [
        (builder().certificate_file("missing.pem"), "Failed to read file: missing.pem."),
        (builder().certificate_pem("nothing"), "no certificate in PEM form"),
        (builder().certificate_pem("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"), "malformed"),
        (builder().client_certificate_pem(leaf.certificate.clone()), "no private key"),
        (builder().client_key_pem(leaf.key.clone()), "there is no client certificate"),
        (
            builder().client_certificate_pem(leaf.certificate.clone()).client_key_pem(other.key.clone()),
            "does not belong to the certificate",
        ),
    ] {
        let error = builder.clone().build_with(&env).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        let exporter = builder.build_lenient(&env);
        let refused = exporter.export(&batch("a")).unwrap_err().to_string();
        assert_eq!(refused, error);
    }
    // Not read where there is no TLS.
    let plain = SpanExporterBuilder::new(Protocol::Grpc).endpoint("http://localhost:4317");
    plain.certificate_file("missing.pem").build_with(&env).unwrap();
}
