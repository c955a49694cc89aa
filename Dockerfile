# The image: millstream, the shipped topology, the C library and the certificates of public authorities. Nothing else, no shell.
#
#   docker build --tag millstream .
#
# Where Docker Hub can't be reached, --build-arg BUILDER names any Debian or Ubuntu with Rust, a C compiler, cmake and perl in it, and
# BASE what the result is put on: `scratch`, or an image of your own.
ARG BUILDER=docker.io/library/rust:1.95-bookworm
ARG BASE=scratch

FROM ${BUILDER} AS build
RUN command -v cmake >/dev/null || { apt-get update && apt-get install -y --no-install-recommends cmake; }
# Writes the list of all crates into the program, where scanners (syft, grype, trivy, `cargo audit bin`) read it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    command -v cargo-auditable >/dev/null || cargo install --locked --root /usr/local cargo-auditable@0.7.4
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo auditable build --locked --release --bin millstream \
    && install -D --strip target/release/millstream /out/usr/bin/millstream
# What the program loads, by the names under which it does; who the user is; where certificates are looked for.
RUN set -e; \
    for library in $(ldd /out/usr/bin/millstream | grep -o '/[^ ]*'); do install -D "$library" "/out$library"; done; \
    install -D -m 644 /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/ca-certificates.crt; \
    echo 'nonroot:x:65532:65532:nonroot:/:/sbin/nologin' >/out/etc/passwd; \
    echo 'nonroot:x:65532:' >/out/etc/group; \
    mkdir -p -m 1777 /out/tmp; \
    install -d -o 65532 -g 65532 /out/var/lib/millstream; \
    cp -r topology /out/topology

FROM ${BASE}
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="millstream" \
      org.opencontainers.image.description="Kafka Streams-style pipelines that you configure instead of compile" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      millstream.sbom="in /usr/bin/millstream, by cargo-auditable: syft, grype, trivy and cargo audit bin read it"
COPY --from=build /out/ /
ENV MILLSTREAM_TOPOLOGY=/topology/customer-events \
    MILLSTREAM_STATE_DIR=/var/lib/millstream \
    MILLSTREAM_HTTP=0.0.0.0:8080 \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/bin/millstream"]
CMD ["run"]
