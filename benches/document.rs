//! The document on its way: parse, evaluate, map, write, for the UpdateUser sample. `cargo bench --bench document`
//!
//! Beside our parser, what else reads JSON in Rust, so that the choice in `src/value` can be checked again.

use bumpalo::Bump;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use millstream::expression::{Expression, Names, Scope};
use millstream::mapping::Mapping;
use millstream::record::{Origin, Record};
use millstream::value::{SecretNames, Value, parse, write};
use millstream::yaml::{Place, read_file};
use std::hint::black_box;
use std::path::Path;
use std::sync::LazyLock;

/// As it came with its page, in lines.
const LINES: &str = include_str!("../topology/customer-events/samples/eventbridge/UpdateUser.json");
const TOPOLOGY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/topology/customer-events");

/// As EventBridge sends it: 1571 bytes on one line.
static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let value: serde_json::Value = serde_json::from_str(LINES).expect("the sample is JSON");
    serde_json::to_vec(&value).expect("it is written to memory")
});

/// What a worker does with a document: parse, use, empty the arena.
fn ours(bytes: &[u8], arena: &mut Bump, mut each: impl FnMut(Value<'_>)) {
    each(parse(black_box(bytes), arena).expect("the sample is JSON"));
    arena.reset();
}

fn documents(c: &mut Criterion) {
    let secrets = SecretNames::new([
        "bearerToken",
        "lastactivationparam",
        "resetParam",
        "activationParam",
        "loginOTP",
    ]);
    let mut arena = Bump::with_capacity(64 << 10);
    let mut out = Vec::with_capacity(8 << 10);
    let mut group = c.benchmark_group("parse");
    group.throughput(Throughput::Bytes(SAMPLE.len() as u64));
    group.bench_function("ours", |b| {
        b.iter(|| {
            ours(&SAMPLE, &mut arena, |value| {
                black_box(value);
            });
        })
    });
    group.bench_function("sonic_rs", |b| {
        b.iter(|| sonic_rs::from_slice::<sonic_rs::Value>(black_box(&SAMPLE)))
    });
    group.bench_function("simd_json borrowed", |b| {
        // it writes into its input
        let keep = |mut bytes: Vec<u8>| drop(black_box(simd_json::to_borrowed_value(&mut bytes)));
        b.iter_batched(|| SAMPLE.to_vec(), keep, BatchSize::SmallInput);
    });
    group.bench_function("simd_json tape", |b| {
        let keep = |mut bytes: Vec<u8>| drop(black_box(simd_json::to_tape(&mut bytes)));
        b.iter_batched(|| SAMPLE.to_vec(), keep, BatchSize::SmallInput);
    });
    group.bench_function("serde_json", |b| {
        b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(&SAMPLE)))
    });
    group.finish();

    let mut group = c.benchmark_group("parse and write");
    group.throughput(Throughput::Bytes(SAMPLE.len() as u64));
    group.bench_function("ours, canonical", |b| {
        b.iter(|| {
            out.clear();
            ours(&SAMPLE, &mut arena, |value| write(&value, &secrets, &mut out));
        })
    });
    group.bench_function("sonic_rs", |b| {
        b.iter(|| {
            out.clear();
            let value: sonic_rs::Value = sonic_rs::from_slice(black_box(&SAMPLE)).expect("the sample is JSON");
            sonic_rs::to_writer(&mut out, &value).expect("it is written to memory");
        })
    });
    group.bench_function("serde_json", |b| {
        b.iter(|| {
            out.clear();
            let value: serde_json::Value = serde_json::from_slice(black_box(&SAMPLE)).expect("the sample is JSON");
            serde_json::to_writer(&mut out, &value).expect("it is written to memory");
        })
    });
    group.finish();
}

fn expressions(c: &mut Criterion) {
    let topology = read_file(&Path::new(TOPOLOGY).join("topology.yaml"), "topology.yaml").expect("it is YAML");
    let names =
        Names::with_variables(topology.get("variables").expect("it has variables")).expect("they are constants");
    let place = Place::start_of("bench");
    let mut arena = Bump::with_capacity(64 << 10);
    let document = Bump::new();
    let origin = Origin {
        topic: "feed.eventbridge",
        partition: 0,
        offset: 7,
    };
    let value = parse(&SAMPLE, &document).expect("the sample is JSON");
    let mut group = c.benchmark_group("expression");
    for (name, text, planned) in [
        ("path", "event.detail.payload.responseCode", true),
        ("index", "event['detail-type']", true),
        ("id", "first(id(event.detail.?id), id(event.detail.?userId))", true),
        ("lookup", "lookup(accounts, event.account)", true),
        ("timestamp", "timestamp_ms(event.detail.?timestamp)", true),
        (
            "condition",
            "event.source == 'userservice' && !('ROLE_SUPER_ADMIN' in list(event.detail.?roles))",
            true,
        ),
        ("concatenation", "event.source + ':' + event.account", true),
        ("interpreted arithmetic", "event.detail.timestamp - 1", false),
        (
            "interpreted macro",
            "event.detail.roles.exists(role, role == 'ROLE_GUEST')",
            false,
        ),
    ] {
        let expression = Expression::compile(text, &place, &names).expect("it is an expression");
        assert_eq!(expression.is_planned(), planned, "{text}");
        group.bench_function(name, |b| {
            b.iter(|| {
                let record = Record {
                    key: None,
                    value,
                    headers: &[],
                    timestamp: 0,
                    origin,
                };
                let scope = Scope {
                    arena: &arena,
                    record: &record,
                };
                drop(black_box(expression.evaluate(&scope)));
                arena.reset();
            })
        });
    }
    group.finish();
}

/// The shipped mapping of the sample's event, from its bytes to the envelope's.
fn mapping(c: &mut Criterion) {
    let folder = Path::new(TOPOLOGY);
    let topology = read_file(&folder.join("topology.yaml"), "topology.yaml").expect("it is YAML");
    let names =
        Names::with_variables(topology.get("variables").expect("it has variables")).expect("they are constants");
    let secrets = SecretNames::new(["bearerToken", "resetParam", "loginOTP"]);
    let name = "normalize/eventbridge/updated.yaml";
    let node = read_file(&folder.join(name), name).expect("it is YAML");
    let mapping = Mapping::compile(&node, folder, &names, &secrets).expect("it is a mapping");
    let mut arena = Bump::with_capacity(64 << 10);
    let mut out = Vec::with_capacity(8 << 10);
    c.bench_function("parse, map and write", |b| {
        b.iter(|| {
            out.clear();
            let record = arena.alloc(Record {
                key: None,
                value: parse(black_box(&SAMPLE), &arena).expect("the sample is JSON"),
                headers: &[],
                timestamp: 0,
                origin: Origin {
                    topic: "feed.eventbridge",
                    partition: 0,
                    offset: 7,
                },
            });
            mapping
                .apply(record, &arena, &mut |mapped| write(&mapped.value, &secrets, &mut out))
                .expect("the sample is mapped");
            arena.reset();
        })
    });
}

criterion_group!(benches, documents, expressions, mapping);
criterion_main!(benches);
