//! A customer event of about 1.1 KB as Avro: decoded, encoded, and beside it what else does that. `cargo bench --bench avro`
//!
//! It prints first how many bytes the event has in each form.

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use bumpalo::Bump;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use millstream::schema::avro::{AvroSchema, Decoder};
use millstream::value::{SecretNames, parse, write};
use std::hint::black_box;

const SCHEMA: &str = r#"{"type":"record","name":"CustomerEvent","namespace":"bench","fields":[
    {"name":"id","type":"string"},
    {"name":"type","type":{"type":"enum","name":"Message","symbols":["CustomerCreated","CustomerUpdated","CustomerWalletUpdated","PasswordReset","OtpCode"]}},
    {"name":"version","type":"string"},
    {"name":"source","type":"string"},
    {"name":"time","type":{"type":"long","logicalType":"timestamp-millis"}},
    {"name":"env","type":{"type":"enum","name":"Env","symbols":["dev","qa","qa2","stg","prod"]}},
    {"name":"detail","type":{"type":"record","name":"Detail","fields":[
        {"name":"correlationid","type":"string"},
        {"name":"change","type":["null","string"],"default":null},
        {"name":"customer","type":{"type":"record","name":"Customer","fields":[
            {"name":"id","type":"string"},
            {"name":"email","type":["null","string"],"default":null},
            {"name":"phoneNumber","type":["null","string"],"default":null},
            {"name":"firstName","type":["null","string"],"default":null},
            {"name":"lastName","type":["null","string"],"default":null},
            {"name":"dateOfBirth","type":["null",{"type":"int","logicalType":"date"}],"default":null},
            {"name":"gender","type":["null","string"],"default":null},
            {"name":"status","type":["null","string"],"default":null},
            {"name":"collectionId","type":["null","string"],"default":null},
            {"name":"storeId","type":["null","string"],"default":null},
            {"name":"addresses","type":{"type":"array","items":{"type":"record","name":"Address","fields":[
                {"name":"street","type":"string"},{"name":"town","type":"string"},{"name":"code","type":"string"},
                {"name":"latitude","type":["null","double"],"default":null},{"name":"primary","type":"boolean"}]}},"default":[]},
            {"name":"properties","type":{"type":"map","values":"string"},"default":{}}]}},
        {"name":"actor","type":{"type":"record","name":"Actor","fields":[
            {"name":"id","type":["null","string"],"default":null},
            {"name":"type","type":"string"},
            {"name":"onBehalfOf","type":["null","string"],"default":null},
            {"name":"roles","type":{"type":"array","items":"string"},"default":[]},
            {"name":"channel","type":["null","string"],"default":null}]}},
        {"name":"balance","type":["null",{"type":"bytes","logicalType":"decimal","precision":20,"scale":2}],"default":null},
        {"name":"logins","type":"long"},
        {"name":"origin","type":{"type":"record","name":"Origin","fields":[
            {"name":"feed","type":["null","string"],"default":null},{"name":"type","type":["null","string"],"default":null}]}}]}}]}"#;

const EVENT: &str = r#"{"detail":{"actor":{"channel":"CSR","id":"1","onBehalfOf":null,"roles":["ROLE_SUPER_ADMIN","ROLE_CUSTOMER_CARE"],"type":"COLLEAGUE"},"balance":1234.50,"change":"profile","correlationid":"c-7a1f0d6e-3f57-4a86-9d3b-0b6f4c1b9a02","customer":{"addresses":[{"code":"97201","latitude":45.51223,"primary":true,"street":"1120 SW Fifth Avenue","town":"Portland"},{"code":"10115","latitude":null,"primary":false,"street":"Invalidenstraße 117","town":"Berlin"}],"collectionId":"686","dateOfBirth":"1990-10-08","email":"email_1682417086267@example.com","firstName":"Ada","gender":"RATHER_NOT_SAY","id":"12079","lastName":"Byron","phoneNumber":"+1 503 823 4000","properties":{"language":"en-US","newsletter":"weekly","segment":"returning"},"status":"ACTIVE","storeId":"7"},"logins":1682417086,"origin":{"feed":"eventbridge","type":"UpdateUser"}},"env":"prod","id":"7a1f0d6e-3f57-4a86-9d3b-0b6f4c1b9a02","source":"customerservice","time":"2024-05-22T06:00:00.978Z","type":"CustomerUpdated","version":"1"}"#;

fn events(c: &mut Criterion) {
    let schema = AvroSchema::parse(SCHEMA, &[]).expect("it is a schema");
    let decoder = Decoder::new(&schema, &schema).expect("a schema goes with itself");
    let secrets = SecretNames::default();
    let kept = Bump::new();
    let value = parse(EVENT.as_bytes(), &kept).expect("the event is JSON");
    let mut bytes = Vec::new();
    schema.encode(&value, &secrets, &mut bytes).expect("the event matches");
    let theirs = Schema::parse_str(SCHEMA).expect("it is a schema");
    let reader = GenericDatumReader::builder(&theirs).build().expect("it is a schema");
    let writer = GenericDatumWriter::builder(&theirs).build().expect("it is a schema");
    let tree = reader.read_value(&mut &bytes[..]).expect("the bytes are the event");
    println!("bytes per event: {} as JSON, {} as Avro", EVENT.len(), bytes.len());

    let mut arena = Bump::with_capacity(64 << 10);
    let mut out = Vec::with_capacity(8 << 10);
    let mut group = c.benchmark_group("event read");
    group.bench_function("avro, ours", |b| {
        b.iter(|| {
            black_box(
                decoder
                    .decode(black_box(&bytes), &arena)
                    .expect("the bytes are the event"),
            );
            arena.reset();
        });
    });
    group.bench_function("avro, apache-avro", |b| {
        b.iter(|| {
            reader
                .read_value(&mut black_box(&bytes[..]))
                .expect("the bytes are the event")
        });
    });
    group.bench_function("json, ours", |b| {
        b.iter(|| {
            black_box(parse(black_box(EVENT.as_bytes()), &arena).expect("the event is JSON"));
            arena.reset();
        });
    });
    group.bench_function("json, serde_json", |b| {
        b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(EVENT.as_bytes())).expect("the event is JSON"));
    });
    group.finish();

    let decoded = decoder.decode(&bytes, &kept).expect("the bytes are the event");
    let serde = value.to_serde();
    let mut group = c.benchmark_group("event written");
    group.bench_function("avro, ours, as it was decoded", |b| {
        b.iter(|| {
            out.clear();
            schema
                .encode(black_box(&decoded), &secrets, &mut out)
                .expect("the event matches");
        });
    });
    group.bench_function("avro, ours, as JSON had it", |b| {
        b.iter(|| {
            out.clear();
            schema
                .encode(black_box(&value), &secrets, &mut out)
                .expect("the event matches");
        });
    });
    group.bench_function("avro, apache-avro", |b| {
        // it takes the tree, so that each needs its own, which is not counted
        let written = |tree| {
            writer
                .write_value_to_vec::<apache_avro::types::Value>(tree)
                .expect("the event matches")
        };
        b.iter_batched(|| tree.clone(), written, BatchSize::SmallInput);
    });
    group.bench_function("json, ours, canonical", |b| {
        b.iter(|| {
            out.clear();
            write(black_box(&value), &secrets, &mut out);
        });
    });
    group.bench_function("json, serde_json", |b| {
        b.iter(|| {
            out.clear();
            serde_json::to_writer(&mut out, black_box(&serde)).expect("it is written to memory");
        });
    });
    group.finish();

    let mut group = c.benchmark_group("event through");
    group.bench_function("avro in, avro out", |b| {
        b.iter(|| {
            out.clear();
            let value = decoder
                .decode(black_box(&bytes), &arena)
                .expect("the bytes are the event");
            schema.encode(&value, &secrets, &mut out).expect("the event matches");
            arena.reset();
        });
    });
    group.bench_function("json in, avro out", |b| {
        b.iter(|| {
            out.clear();
            let value = parse(black_box(EVENT.as_bytes()), &arena).expect("the event is JSON");
            schema.encode(&value, &secrets, &mut out).expect("the event matches");
            arena.reset();
        });
    });
    group.bench_function("json in, json out", |b| {
        b.iter(|| {
            out.clear();
            let value = parse(black_box(EVENT.as_bytes()), &arena).expect("the event is JSON");
            write(&value, &secrets, &mut out);
            arena.reset();
        });
    });
    group.finish();
}

criterion_group!(benches, events);
criterion_main!(benches);
