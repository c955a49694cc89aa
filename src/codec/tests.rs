//! Codecs beside the bytes of Kafka's own serializers, there and back, and what they refuse.

use super::*;
use proptest::prelude::*;

fn decode(codec: Codec, bytes: &[u8]) -> Result<String, String> {
    let arena = Bump::new();
    let value = codec.decode(arena.alloc_slice_copy(bytes), &arena);
    value
        .map(|value| crate::value::to_text(&value))
        .map_err(|error| error.to_string())
}

fn encode(codec: Codec, json: &str) -> Result<Vec<u8>, String> {
    let arena = Bump::new();
    let value = parse(json.as_bytes(), &arena).unwrap();
    let mut out = b"before".to_vec();
    let encoded = codec.encode(&value, &SecretNames::default(), &mut out);
    assert!(encoded.is_ok() || out == b"before", "half written");
    encoded.map(|()| out.split_off(6)).map_err(|error| error.to_string())
}

#[test]
fn bytes_are_those_of_kafkas_serializers() {
    let cases: [(Codec, &str, &[u8]); 14] = [
        (Codec::Int32, "1", &[0, 0, 0, 1]),
        (Codec::Int32, "-2", &[0xff, 0xff, 0xff, 0xfe]),
        (Codec::Int32, "2147483647", &[0x7f, 0xff, 0xff, 0xff]),
        (Codec::Int32, "-2147483648", &[0x80, 0, 0, 0]),
        (Codec::Int64, "1", &[0, 0, 0, 0, 0, 0, 0, 1]),
        (
            Codec::Int64,
            "9223372036854775807",
            &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        ),
        (Codec::Int64, "-9223372036854775808", &[0x80, 0, 0, 0, 0, 0, 0, 0]),
        (Codec::Double, "1.0", &[0x3f, 0xf0, 0, 0, 0, 0, 0, 0]),
        (Codec::Double, "-0.1", &[0xbf, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a]),
        (
            Codec::Double,
            "1e300",
            &[0x7e, 0x37, 0xe4, 0x3c, 0x88, 0x00, 0x75, 0x9c],
        ),
        (Codec::String, r#""äh""#, "äh".as_bytes()),
        (Codec::String, r#""""#, b""),
        (Codec::Raw, "\"a\u{ff}\u{80}\"", &[b'a', 0xff, 0x80]),
        (Codec::Json, r#"{"a":[1.50]}"#, br#"{"a":[1.50]}"#),
    ];
    for (codec, json, bytes) in cases {
        assert_eq!(encode(codec, json).as_deref(), Ok(bytes), "{codec:?} {json}");
        assert_eq!(decode(codec, bytes).as_deref(), Ok(json), "{codec:?} {bytes:?}");
    }
}

#[test]
fn a_whole_number_is_one_however_it_is_written() {
    assert_eq!(encode(Codec::Int32, "7.0"), Ok(vec![0, 0, 0, 7]));
    assert_eq!(encode(Codec::Int64, "1e3"), Ok(1_000i64.to_be_bytes().to_vec()));
    assert_eq!(encode(Codec::Int32, "-0"), Ok(vec![0; 4]));
    assert_eq!(
        encode(Codec::Double, "9007199254740992"),
        Ok(9_007_199_254_740_992f64.to_be_bytes().to_vec())
    );
    assert_eq!(encode(Codec::String, "7.50").as_deref(), Ok(&b"7.50"[..]));
    assert_eq!(encode(Codec::String, "true").as_deref(), Ok(&b"true"[..]));
}

#[test]
fn bytes_of_another_size_or_kind_are_refused_and_not_shown() {
    let cases: [(Codec, &[u8], &str); 7] = [
        (Codec::Int32, b"hunter2", "`int32` has 4 bytes, and here are 7"),
        (Codec::Int64, &[0; 4], "`int64` has 8 bytes, and here are 4"),
        (Codec::Double, b"", "`double` has 8 bytes, and here are 0"),
        (
            Codec::Double,
            &[0x7f, 0xf8, 0, 0, 0, 0, 0, 0],
            "a double that is NaN is no number of a document",
        ),
        (
            Codec::Double,
            &[0xff, 0xf0, 0, 0, 0, 0, 0, 0],
            "a double that is -inf is no number of a document",
        ),
        (Codec::String, b"ab\xff", "not UTF-8 from byte 2"),
        (Codec::Json, b"{", "not JSON: "),
    ];
    for (codec, bytes, why) in cases {
        let error = decode(codec, bytes).unwrap_err();
        assert!(error.starts_with(why) && !error.contains("hunter2"), "{error}");
    }
}

#[test]
fn values_that_do_not_fit_are_refused_and_not_shown() {
    let cases = [
        (Codec::Int32, "2147483648", "the number is beyond the range of `int32`"),
        (Codec::Int32, "-2147483649", "the number is beyond the range of `int32`"),
        (
            Codec::Int64,
            "9223372036854775808",
            "the number is beyond the range of `int64`",
        ),
        (Codec::Int64, "1e300", "the number is beyond the range of `int64`"),
        (
            Codec::Int64,
            "123456789012345678901234567890",
            "the number is beyond the range of `int64`",
        ),
        (
            Codec::Int32,
            "1.5",
            "`int32` needs a whole number, and this one has a fraction",
        ),
        (
            Codec::Double,
            "9007199254740993",
            "the number has more digits than a `double` keeps",
        ),
        (
            Codec::Double,
            "0.1234567890123456789",
            "the number has more digits than a `double` keeps",
        ),
        (
            Codec::Int32,
            r#""hunter2""#,
            "`int32` needs a whole number, and this is of type string",
        ),
        (
            Codec::Int64,
            "null",
            "`int64` needs a whole number, and this is of type null",
        ),
        (
            Codec::Double,
            "[1]",
            "`double` needs a number, and this is of type list",
        ),
        (Codec::String, "{}", "`string` needs a text, and this is of type object"),
        (Codec::String, "null", "`string` needs a text, and this is of type null"),
        (Codec::Raw, "7", "`raw` needs a text, and this is of type number"),
        (Codec::Raw, "\"a\u{100}\"", "the text has characters beyond U+00FF"),
    ];
    for (codec, json, why) in cases {
        let error = encode(codec, json).unwrap_err();
        assert!(error.starts_with(why) && !error.contains("hunter2"), "{error}");
    }
    assert_eq!(encode(Codec::Json, "null").as_deref(), Ok(&b"null"[..]));
}

#[test]
fn secrets_are_left_out_of_documents() {
    let value = Value::Object(&[("pin", Value::Number("1")), ("x", Value::Number("2"))]);
    let mut out = Vec::new();
    Codec::Json
        .encode(&value, &SecretNames::new(["pin"]), &mut out)
        .unwrap();
    assert_eq!(out, br#"{"x":2}"#);
}

#[test]
fn a_key_passes_as_it_is_unless_a_codec_says_otherwise() {
    let written = |key: Option<Codec>, of: Key<'_>| {
        let codecs = Codecs {
            key,
            ..Codecs::default()
        };
        let mut out = Vec::new();
        let encoded = codecs.encode_key(&of, &SecretNames::default(), &mut out);
        encoded.map(|()| out).map_err(|error| error.to_string())
    };
    let arena = Bump::new();
    let read = |key: Codec, bytes: &'static [u8]| {
        let codecs = Codecs {
            key: Some(key),
            ..Codecs::default()
        };
        codecs.decode_key(bytes, &arena).unwrap()
    };
    let seven = [0, 0, 0, 7];
    assert_eq!(written(None, Key::raw(&[0xff])), Ok(vec![0xff]));
    assert_eq!(written(Some(Codec::Raw), Key::raw(&[0xff])), Ok(vec![0xff]));
    assert!(
        written(Some(Codec::String), Key::raw(&[0xff]))
            .unwrap_err()
            .contains("not UTF-8")
    );
    assert_eq!(written(Some(Codec::String), Key::raw(b"k")), Ok(b"k".to_vec()));
    assert_eq!(written(None, read(Codec::Int32, &[0, 0, 0, 7])), Ok(seven.to_vec()));
    assert_eq!(
        written(Some(Codec::String), read(Codec::Int32, &[0, 0, 0, 7])),
        Ok(b"7".to_vec())
    );
    let computed = Key::of(Value::Number("7")).unwrap().unwrap();
    assert_eq!(written(Some(Codec::Int32), computed), Ok(seven.to_vec()));
    assert_eq!(written(None, computed), Ok(b"7".to_vec()));
    assert!(
        written(Some(Codec::Int32), Key::raw(b"7"))
            .unwrap_err()
            .contains("type string")
    );
}

proptest! {
    #[test]
    fn what_is_decoded_and_encoded_again_is_the_same(int in any::<i32>(), long in any::<i64>(), bits in any::<u64>(), text in ".*", bytes in prop::collection::vec(any::<u8>(), 0..50)) {
        let mut cases = vec![
            (Codec::Int32, int.to_be_bytes().to_vec()),
            (Codec::Int64, long.to_be_bytes().to_vec()),
            (Codec::String, text.into_bytes()),
            (Codec::Raw, bytes),
        ];
        if f64::from_bits(bits).is_finite() {
            cases.push((Codec::Double, bits.to_be_bytes().to_vec()));
        }
        let arena = Bump::new();
        for (codec, bytes) in &cases {
            let mut out = Vec::new();
            codec.encode(&codec.decode(bytes, &arena).unwrap(), &SecretNames::default(), &mut out).unwrap();
            prop_assert_eq!(&out, bytes, "{:?}", codec);
        }
    }
}
