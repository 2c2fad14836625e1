#!/bin/sh
# Makes this folder's certificates anew, with OpenSSL. They are for tests on this machine only, and hold for a hundred
# years; expired.pem ended long ago. Each file has a certificate and its key, authority.pem only the certificate.
set -eu
cd "$(dirname "$0")"
curve="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"

# shellcheck disable=SC2086 # options
openssl req -x509 $curve -days 36500 -subj "/CN=ferrotel tests" -addext "keyUsage=critical,keyCertSign" -keyout authority.key -out authority.pem
# shellcheck disable=SC2086
openssl req -x509 $curve -days 36500 -subj "/CN=nobody knows it" -addext "subjectAltName=IP:127.0.0.1" \
    -keyout key -out unknown.pem
cat key >>unknown.pem

sign() { # NAME SUBJECT_ALT_NAME START END
    # shellcheck disable=SC2086
    openssl req $curve -subj "/CN=$1" -keyout key -out request
    : >index
    printf '[ca]\ndefault_ca=c\n[c]\ndatabase=index\nrand_serial=1\nnew_certs_dir=.\npolicy=p\ndefault_md=sha256\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=%s\nbasicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' "$2" >config
    openssl ca -config config -batch -notext -cert authority.pem -keyfile authority.key -extensions x \
        -startdate "$3" -enddate "$4" -in request -out "$1.pem"
    cat key >>"$1.pem"
}
sign good IP:127.0.0.1 20200101000000Z 21200101000000Z
sign expired IP:127.0.0.1 20200101000000Z 20200201000000Z
sign other_name DNS:collector.example 20200101000000Z 21200101000000Z
rm -f key request config index index.* authority.key [0-9A-F]*.pem
