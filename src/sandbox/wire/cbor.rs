//! CBOR (RFC 8949), as far as Smithy's RPC v2 protocol uses it: read into JSON's values, and written from them.
//! A tagged time becomes its number, and a number is written as a time where its name says that it is one; what JSON has no word for (NaN, bytes) is an error.

use serde_json::{Map, Number, Value};

/// How deep values may lie in each other.
const DEEPEST: u32 = 16;

/// Reads one value that is the whole of the bytes.
pub(crate) fn read(bytes: &[u8]) -> Option<Value> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(DEEPEST)?;
    reader.rest.is_empty().then_some(value)
}

/// Writes one value. Numbers under a name such as `Timestamps` are times (Smithy RPC v2 CBOR, "Timestamp type
/// serialization": tag 1).
pub(crate) fn write(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    put(&mut bytes, value, false);
    bytes
}

fn put(bytes: &mut Vec<u8>, value: &Value, is_time: bool) {
    match value {
        Value::Null => bytes.push(0xf6),
        Value::Bool(is) => bytes.push(if *is { 0xf5 } else { 0xf4 }),
        Value::Number(number) => {
            if is_time {
                bytes.push(0xc1);
            }
            match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => head(bytes, 0, number),
                (_, Some(number)) => head(bytes, 1, number.unsigned_abs() - 1),
                _ => {
                    bytes.push(0xfb);
                    let float = number.as_f64().unwrap_or_default();
                    bytes.extend_from_slice(&float.to_be_bytes());
                }
            }
        }
        Value::String(text) => put_text(bytes, text),
        Value::Array(list) => {
            head(bytes, 4, list.len() as u64);
            list.iter().for_each(|one| put(bytes, one, is_time));
        }
        Value::Object(map) => {
            head(bytes, 5, map.len() as u64);
            for (key, value) in map {
                put_text(bytes, key);
                let is_time = key.ends_with("Timestamp") || key.ends_with("Timestamps");
                put(bytes, value, is_time);
            }
        }
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    head(bytes, 3, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

fn head(bytes: &mut Vec<u8>, kind: u8, number: u64) {
    let kind = kind << 5;
    if let Ok(byte) = u8::try_from(number) {
        if byte < 24 {
            bytes.push(kind | byte);
        } else {
            bytes.extend_from_slice(&[kind | 0x18, byte]);
        }
    } else if let Ok(two) = u16::try_from(number) {
        bytes.push(kind | 0x19);
        bytes.extend_from_slice(&two.to_be_bytes());
    } else if let Ok(four) = u32::try_from(number) {
        bytes.push(kind | 0x1a);
        bytes.extend_from_slice(&four.to_be_bytes());
    } else {
        bytes.push(kind | 0x1b);
        bytes.extend_from_slice(&number.to_be_bytes());
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

/// How many parts follow; nothing, if they end with a mark.
type Length = Option<u64>;

impl<'a> Reader<'a> {
    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(count).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn number(&mut self, bytes: u64) -> Option<u64> {
        let taken = self.take(bytes)?;
        Some(
            taken
                .iter()
                .fold(0, |sum, byte| (sum << 8) | u64::from(*byte)),
        )
    }

    fn length(&mut self, low: u8) -> Option<Length> {
        Some(match low {
            0..=23 => Some(u64::from(low)),
            24..=27 => Some(self.number(1 << (low - 24))?),
            31 => None,
            _ => return None,
        })
    }

    /// Whether another part follows.
    fn more(&mut self, left: &mut Length) -> Option<bool> {
        if let Some(left) = left {
            let more = *left > 0;
            *left = left.saturating_sub(1);
            return Some(more);
        }
        let over = *self.rest.first()? == 0xff;
        if over {
            self.byte()?;
        }
        Some(!over)
    }

    fn value(&mut self, deep: u32) -> Option<Value> {
        let deep = deep.checked_sub(1)?;
        let first = self.byte()?;
        let (kind, low) = (first >> 5, first & 31);
        if kind == 7 {
            return self.simple(low);
        }
        let mut length = self.length(low)?;
        match kind {
            0 => Some(Value::from(length?)),
            1 => Some(Value::from(-1 - i64::try_from(length?).ok()?)),
            3 => self.text(length).map(Value::from),
            4 => {
                let mut list = Vec::new();
                while self.more(&mut length)? {
                    list.push(self.value(deep)?);
                }
                Some(Value::Array(list))
            }
            5 => {
                let mut map = Map::new();
                while self.more(&mut length)? {
                    let key = self.value(deep)?.as_str()?.to_owned();
                    map.insert(key, self.value(deep)?);
                }
                Some(Value::Object(map))
            }
            // A tag: what it says of the value, such as that it is a time, is known from where it stands.
            6 => self.value(deep),
            _ => None,
        }
    }

    fn text(&mut self, length: Length) -> Option<String> {
        if let Some(length) = length {
            return String::from_utf8(self.take(length)?.to_vec()).ok();
        }
        let mut text = String::new();
        let mut parts = None;
        while self.more(&mut parts)? {
            let first = self.byte()?;
            let length = (first >> 5 == 3).then(|| self.length(first & 31))??;
            text.push_str(&self.text(Some(length?))?);
        }
        Some(text)
    }

    fn simple(&mut self, low: u8) -> Option<Value> {
        let float = match low {
            20 => return Some(Value::Bool(false)),
            21 => return Some(Value::Bool(true)),
            22 | 23 => return Some(Value::Null),
            26 => f64::from(f32::from_bits(u32::try_from(self.number(4)?).ok()?)),
            27 => f64::from_bits(self.number(8)?),
            _ => return None,
        };
        Number::from_f64(float).map(Value::Number)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn examples_of_the_standard() {
        let cases: [(&[u8], Value); 12] = [
            (&[0x00], json!(0)),
            (&[0x18, 0x64], json!(100)),
            (&[0x1a, 0x00, 0x0f, 0x42, 0x40], json!(1_000_000)),
            (&[0x39, 0x03, 0xe7], json!(-1000)),
            (
                &[0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a],
                json!(1.1),
            ),
            (&[0xfa, 0x47, 0xc3, 0x50, 0x00], json!(100_000.0)),
            (&[0xf5], json!(true)),
            (&[0x64, 0x49, 0x45, 0x54, 0x46], json!("IETF")),
            (&[0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0], json!(1_363_896_240)),
            (&[0x83, 0x01, 0x02, 0x03], json!([1, 2, 3])),
            (
                &[
                    0xbf, 0x61, 0x61, 0x01, 0x61, 0x62, 0x9f, 0x02, 0x03, 0xff, 0xff,
                ],
                json!({"a": 1, "b": [2, 3]}),
            ),
            (
                &[
                    0x7f, 0x65, 0x73, 0x74, 0x72, 0x65, 0x61, 0x64, 0x6d, 0x69, 0x6e, 0x67, 0xff,
                ],
                json!("streaming"),
            ),
        ];
        for (bytes, value) in cases {
            assert_eq!(read(bytes), Some(value), "{bytes:x?}");
        }
    }

    #[test]
    fn what_is_broken_is_refused() {
        let deep = [vec![0x81; 40], vec![0x00]].concat();
        let cases: [&[u8]; 8] = [
            &[],
            &[0x18],
            &[0x64, 0x49],
            &[0x9f, 0x01],
            &[0x00, 0x00],
            &[0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0],
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &deep,
        ];
        for bytes in cases {
            assert_eq!(read(bytes), None, "{bytes:x?}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let long = "x".repeat(300);
        let numbers = json!([
            0,
            23,
            24,
            255,
            256,
            65_536,
            5_000_000_000_u64,
            -1,
            -500,
            1.5
        ]);
        for value in [
            json!({"__type": "Oh", "message": long}),
            json!({"a": numbers, "b": [true, false, null], "c": {}}),
            json!({"Timestamps": [1_363_896_240, 1.5], "LastModifiedTimestamp": 7}),
        ] {
            assert_eq!(read(&write(&value)), Some(value));
        }
        let time = write(&json!({"StateUpdatedTimestamp": 7}));
        assert_eq!(&time[time.len() - 2..], &[0xc1, 0x07]);
    }
}
