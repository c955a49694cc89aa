//! Random types, and random values of them as the library has them.

use apache_avro::types::Value as Avro;
use apache_avro::{Days, Decimal, Duration, Millis, Months};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// A type, without the names that tell it from others.
#[derive(Clone, Debug)]
pub enum Type {
    /// A primitive, or a logical type over one, by its JSON.
    Plain(Json),
    Fixed(usize),
    Enum(usize),
    Array(Box<Type>),
    Map(Box<Type>),
    Record(Vec<Type>),
    /// Of different types: the first, if there is one of it, of unnamed ones.
    Union(Vec<Type>),
}

const PLAIN: [&str; 8] = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"];
const LOGICAL: [(&str, &str); 11] = [
    ("int", "date"),
    ("int", "time-millis"),
    ("long", "time-micros"),
    ("long", "timestamp-millis"),
    ("long", "timestamp-micros"),
    ("long", "timestamp-nanos"),
    ("long", "local-timestamp-millis"),
    ("long", "local-timestamp-micros"),
    ("long", "local-timestamp-nanos"),
    ("string", "uuid"),
    ("bytes", "decimal"),
];

pub fn types() -> BoxedStrategy<Type> {
    let leaf = prop_oneof![
        4 => prop::sample::select(&PLAIN[..]).prop_map(|name| Type::Plain(json!(name))),
        3 => prop::sample::select(&LOGICAL[..]).prop_map(|(of, logical)| Type::Plain(
            json!({"type": of, "logicalType": logical, "precision": 12, "scale": 3})
        )),
        1 => (0usize..5).prop_map(Type::Fixed),
        1 => (1usize..4).prop_map(Type::Enum),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            1 => inner.clone().prop_map(|of| Type::Array(Box::new(of))),
            1 => inner.clone().prop_map(|of| Type::Map(Box::new(of))),
            2 => vec(inner.clone(), 0..4).prop_map(Type::Record),
            2 => vec(inner, 1..4).prop_map(union),
        ]
    })
    .boxed()
}

/// Only what may stand beside each other.
fn union(of: Vec<Type>) -> Type {
    let mut kept: Vec<Type> = Vec::new();
    for branch in of {
        let twice = kept.iter().any(|other| class(other) == class(&branch));
        if !matches!(branch, Type::Union(_)) && (!twice || class(&branch) == "named") {
            kept.push(branch);
        }
    }
    if kept.is_empty() {
        kept.push(Type::Plain(json!("null")));
    }
    Type::Union(kept)
}

fn class(of: &Type) -> String {
    match of {
        Type::Plain(Json::String(name)) => name.clone(),
        Type::Plain(object) => object["type"].as_str().unwrap().to_owned(),
        Type::Array(_) => "array".to_owned(),
        Type::Map(_) => "map".to_owned(),
        Type::Union(_) => "union".to_owned(),
        Type::Fixed(_) | Type::Enum(_) | Type::Record(_) => "named".to_owned(),
    }
}

const SYMBOLS: [&str; 3] = ["ONE", "TWO", "THREE"];

impl Type {
    pub fn schema(&self) -> Json {
        self.json(&mut 0)
    }

    fn json(&self, names: &mut usize) -> Json {
        let mut name = || {
            *names += 1;
            format!("N{names}")
        };
        match self {
            Type::Plain(json) => json.clone(),
            Type::Fixed(size) => json!({"type": "fixed", "name": name(), "size": size}),
            Type::Enum(count) => json!({"type": "enum", "name": name(), "symbols": &SYMBOLS[..*count]}),
            Type::Array(of) => json!({"type": "array", "items": of.json(names)}),
            Type::Map(of) => json!({"type": "map", "values": of.json(names)}),
            Type::Union(of) => of.iter().map(|branch| branch.json(names)).collect(),
            Type::Record(of) => {
                let name = name();
                let field = |(index, of): (usize, &Type)| json!({"name": format!("f{index}"), "type": of.json(names)});
                let fields: Vec<Json> = of.iter().enumerate().map(field).collect();
                json!({"type": "record", "name": name, "fields": fields})
            }
        }
    }

    pub fn values(&self) -> BoxedStrategy<Avro> {
        match self {
            Type::Plain(Json::String(name)) => plain(name),
            Type::Plain(object) => logical(object["logicalType"].as_str().unwrap()),
            Type::Fixed(size) => {
                let size = *size;
                vec(any::<u8>(), size)
                    .prop_map(move |bytes| Avro::Fixed(size, bytes))
                    .boxed()
            }
            Type::Enum(count) => (0..*count)
                .prop_map(|at| Avro::Enum(u32::try_from(at).unwrap(), SYMBOLS[at].to_owned()))
                .boxed(),
            Type::Array(of) => vec(of.values(), 0..4).prop_map(Avro::Array).boxed(),
            Type::Map(of) => prop::collection::hash_map("[a-cä]{0,3}", of.values(), 0..4)
                .prop_map(|members| Avro::Map(members.into_iter().collect()))
                .boxed(),
            Type::Record(of) => {
                let values: Vec<BoxedStrategy<Avro>> = of.iter().map(Type::values).collect();
                let named = |(index, value)| (format!("f{index}"), value);
                values
                    .prop_map(move |values| Avro::Record(values.into_iter().enumerate().map(named).collect()))
                    .boxed()
            }
            Type::Union(of) => {
                let of: Vec<BoxedStrategy<Avro>> = of
                    .iter()
                    .enumerate()
                    .map(|(index, branch)| {
                        let index = u32::try_from(index).unwrap();
                        branch
                            .values()
                            .prop_map(move |value| Avro::Union(index, Box::new(value)))
                            .boxed()
                    })
                    .collect();
                proptest::strategy::Union::new(of).boxed()
            }
        }
    }
}

fn plain(name: &str) -> BoxedStrategy<Avro> {
    match name {
        "null" => Just(Avro::Null).boxed(),
        "boolean" => any::<bool>().prop_map(Avro::Boolean).boxed(),
        "int" => any::<i32>().prop_map(Avro::Int).boxed(),
        "long" => (any::<i64>(), 0..64)
            .prop_map(|(number, shift)| Avro::Long(number >> shift))
            .boxed(),
        "float" => prop_oneof![any::<f32>(), (-1000i16..1000).prop_map(|n| f32::from(n) / 8.0)]
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(Avro::Float)
            .boxed(),
        "double" => prop_oneof![any::<f64>(), (-1000i16..1000).prop_map(|n| f64::from(n) / 8.0)]
            .prop_filter("finite", |number| number.is_finite())
            .prop_map(Avro::Double)
            .boxed(),
        "bytes" => vec(any::<u8>(), 0..6).prop_map(Avro::Bytes).boxed(),
        _ => prop_oneof![any::<String>(), "[a-z]{0,4}"]
            .prop_map(Avro::String)
            .boxed(),
    }
}

const DAY: i64 = 86_400;
const YEARS: std::ops::Range<i64> = -719_162 * DAY..2_932_897 * DAY;

fn logical(name: &str) -> BoxedStrategy<Avro> {
    // with and without a part of a second, and of a thousandth
    let seconds = |unit: i64, within: std::ops::Range<i64>, of: fn(i64) -> Avro| {
        let step = prop::sample::select(vec![1, 1000, 1_000_000, 1_000_000_000]);
        (within.start * unit..within.end * unit, step)
            .prop_map(move |(number, step)| of(number - number % i64::min(step, unit)))
            .boxed()
    };
    match name {
        "date" => (-719_162..=2_932_896).prop_map(Avro::Date).boxed(),
        "time-millis" => (0..86_400_000).prop_map(Avro::TimeMillis).boxed(),
        "time-micros" => seconds(1_000_000, 0..DAY, Avro::TimeMicros),
        "timestamp-millis" => seconds(1_000, YEARS, Avro::TimestampMillis),
        "timestamp-micros" => seconds(1_000_000, YEARS, Avro::TimestampMicros),
        "timestamp-nanos" => seconds(1_000_000_000, -9_000_000_000..9_000_000_000, Avro::TimestampNanos),
        "local-timestamp-millis" => seconds(1_000, YEARS, Avro::LocalTimestampMillis),
        "local-timestamp-micros" => seconds(1_000_000, YEARS, Avro::LocalTimestampMicros),
        "local-timestamp-nanos" => seconds(1_000_000_000, -9_000_000_000..9_000_000_000, Avro::LocalTimestampNanos),
        "uuid" => any::<[u8; 16]>()
            .prop_map(|bytes| Avro::Uuid(apache_avro::Uuid::from_bytes(bytes)))
            .boxed(),
        _ => (-999_999_999_999i64..=999_999_999_999, 0u32..40)
            .prop_map(|(number, shift)| Avro::Decimal(Decimal::from((number >> shift).to_be_bytes())))
            .boxed(),
    }
}

/// What a value of the library is here, by means of others: `jiff` writes the times.
pub fn expected(value: &Avro) -> Json {
    let bytes = |bytes: &[u8]| Json::String(bytes.iter().map(|byte| char::from(*byte)).collect());
    match value {
        Avro::Null => Json::Null,
        Avro::Boolean(flag) => json!(flag),
        Avro::Int(number) => json!(number),
        Avro::Long(number) => json!(number),
        Avro::Float(number) => number_of(&format!("{number:?}")),
        Avro::Double(number) => number_of(&format!("{number:?}")),
        Avro::Bytes(of) | Avro::Fixed(_, of) => bytes(of),
        Avro::String(text) | Avro::Enum(_, text) => json!(text),
        Avro::Union(_, value) => expected(value),
        Avro::Array(elements) => elements.iter().map(expected).collect(),
        Avro::Map(members) => Json::Object(
            members
                .iter()
                .map(|(name, value)| (name.clone(), expected(value)))
                .collect(),
        ),
        Avro::Record(members) => Json::Object(
            members
                .iter()
                .map(|(name, value)| (name.clone(), expected(value)))
                .collect(),
        ),
        Avro::Date(days) => json!(moment(i64::from(*days) * DAY, 0)[..10]),
        Avro::TimeMillis(number) => json!(time(i64::from(*number), 1_000)[11..]),
        Avro::TimeMicros(number) => json!(time(*number, 1_000_000)[11..]),
        Avro::TimestampMillis(number) => json!(time(*number, 1_000) + "Z"),
        Avro::TimestampMicros(number) => json!(time(*number, 1_000_000) + "Z"),
        Avro::TimestampNanos(number) => json!(time(*number, 1_000_000_000) + "Z"),
        Avro::LocalTimestampMillis(number) => json!(time(*number, 1_000)),
        Avro::LocalTimestampMicros(number) => json!(time(*number, 1_000_000)),
        Avro::LocalTimestampNanos(number) => json!(time(*number, 1_000_000_000)),
        Avro::Uuid(uuid) => json!(uuid.to_string()),
        Avro::Decimal(decimal) => {
            let bytes: Vec<u8> = decimal.try_into().unwrap();
            let sign = if bytes[0] & 0x80 == 0 { 0 } else { -1i128 };
            let number = bytes.iter().fold(sign, |number, byte| number << 8 | i128::from(*byte));
            let (whole, rest) = (number.abs() / 1000, number.abs() % 1000);
            number_of(&format!("{}{whole}.{rest:03}", if number < 0 { "-" } else { "" }))
        }
        Avro::Duration(of) => duration(of),
        Avro::BigDecimal(_) => panic!("not among the types"),
    }
}

fn duration(of: &Duration) -> Json {
    let (months, days, millis): (Months, Days, Millis) = (of.months(), of.days(), of.millis());
    json!({"months": u32::from(months), "days": u32::from(days), "millis": u32::from(millis)})
}

fn number_of(text: &str) -> Json {
    serde_json::from_str(text).unwrap()
}

fn time(number: i64, unit: i64) -> String {
    let nanos = number.rem_euclid(unit) * (1_000_000_000 / unit);
    moment(number.div_euclid(unit), i32::try_from(nanos).unwrap())
}

fn moment(seconds: i64, nanos: i32) -> String {
    let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
    let moment = epoch.checked_add(jiff::Span::new().seconds(seconds)).unwrap();
    let digits = if nanos % 1_000_000 == 0 {
        format!("{:03}", nanos / 1_000_000)
    } else if nanos % 1000 == 0 {
        format!("{:06}", nanos / 1000)
    } else {
        format!("{nanos:09}")
    };
    format!("{}.{digits}", moment.strftime("%Y-%m-%dT%H:%M:%S"))
}
