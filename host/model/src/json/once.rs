//! Reading a document whose objects name each member once. Where one is named twice, readers differ in which
//! value they take, so that nobody could say what the document means.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, map::Entry};

use crate::Place;

/// Why a document was not read.
pub(crate) enum Fault<E> {
    /// A member is there twice; its place as a JSON Pointer.
    Doubled(String),
    /// There are more values than allowed; the place of the first too many as a JSON Pointer.
    TooMany(String),
    /// Its texts amount to more than allowed.
    TooLarge,
    /// Its reader's own fault.
    Reader(E),
}

/// What a value may amount to, its parts as often as it names them: YAML can name them again and again.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    /// Values: lists and objects, and what is in them.
    pub(crate) values: usize,
    /// Bytes of all texts and names, and one for each value.
    pub(crate) bytes: usize,
}

/// Reads one value, of any depth, as far as there is room for it.
pub(crate) fn read<'de, D: Deserializer<'de>>(reader: D, room: Room) -> Result<Value, Fault<D::Error>> {
    let watch = Watch { fault: RefCell::default(), values: Cell::new(room.values), bytes: Cell::new(room.bytes) };
    let read = Once { place: Place::ROOT, watch: &watch }.deserialize(reader);
    read.map_err(|error| match watch.fault.take() {
        Some(Noted::Doubled(path)) => Fault::Doubled(path),
        Some(Noted::TooMany(path)) => Fault::TooMany(path),
        Some(Noted::TooLarge) => Fault::TooLarge,
        None => Fault::Reader(error),
    })
}

/// What readers' own faults cannot bear.
enum Noted {
    Doubled(String),
    TooMany(String),
    TooLarge,
}

/// What was found, and what room is left.
struct Watch {
    fault: RefCell<Option<Noted>>,
    values: Cell<usize>,
    bytes: Cell<usize>,
}

impl Watch {
    fn note<E: serde::de::Error>(&self, fault: Noted) -> E {
        self.fault.replace(Some(fault));
        E::custom("noted")
    }

    fn take_value<E: serde::de::Error>(&self, place: &Place<'_>) -> Result<(), E> {
        let left = self.values.get().checked_sub(1).ok_or_else(|| self.note(Noted::TooMany(place.pointer())))?;
        self.values.set(left);
        self.take(1)
    }

    fn take<E: serde::de::Error>(&self, bytes: usize) -> Result<(), E> {
        let left = self.bytes.get().checked_sub(bytes).ok_or_else(|| self.note(Noted::TooLarge))?;
        self.bytes.set(left);
        Ok(())
    }
}

/// Reads the value at a place; notes the first fault.
#[derive(Clone, Copy)]
struct Once<'a> {
    place: Place<'a>,
    watch: &'a Watch,
}

impl<'de> DeserializeSeed<'de> for Once<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        self.watch.take_value(&self.place)?;
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.watch.take(value.len())?;
        Ok(value.into())
    }

    fn visit_string<E: serde::de::Error>(self, value: String) -> Result<Value, E> {
        self.watch.take(value.len())?;
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.at(self.place.item(list.len())))? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.watch.take(name.len())?;
            match object.entry(name) {
                Entry::Vacant(vacant) => {
                    let value = members.next_value_seed(self.at(self.place.member(vacant.key())))?;
                    vacant.insert(value);
                }
                Entry::Occupied(there) => {
                    return Err(self.watch.note(Noted::Doubled(self.place.member(there.key()).pointer())));
                }
            }
        }
        Ok(Value::Object(object))
    }
}

impl<'a> Once<'a> {
    fn at<'b>(&'b self, place: Place<'b>) -> Once<'b>
    where
        'a: 'b,
    {
        Once { place, watch: self.watch }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::json::{Bounds, JsonError, STORED_DEPTH_MAX, parse};

    fn document(text: &[u8], depth: usize) -> Result<Value, JsonError> {
        crate::json::document(text, Bounds { depth, values: 100_000 })
    }

    /// Where a document names a member twice.
    fn doubled(text: &str) -> Option<String> {
        match document(text.as_bytes(), 64) {
            Err(JsonError::Doubled { path }) => Some(path),
            Err(error) => panic!("{text}: {error}"),
            Ok(_) => None,
        }
    }

    #[test]
    fn members_that_are_there_twice_are_named_with_their_place() {
        for (text, path) in [
            (r#"{"a":1,"b":2,"a":1}"#, "/a"),
            (r#"{"a/b":{"x":[0,{"~":1,"y":2,"~":3}]}}"#, "/a~1b/x/1/~0"),
            (r#"{"a":1,"\u0061":1}"#, "/a"),
            (r#"[{"":1,"":{"a":1,"a":1}}]"#, "/0/"),
        ] {
            assert_eq!(doubled(text).as_deref(), Some(path), "{text}");
        }
        for text in [r#"{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}],"A":0}"#, "[[],{},[{}]]", "7"] {
            assert_eq!(doubled(text), None, "{text}");
        }
    }

    #[test]
    fn everything_else_is_read_as_ever() {
        let text =
            r#"{"z":[null,true,-1,18446744073709551615,1e300,0.1,-0.0,1E-7],"a":"\u00fc\n","o":{"y":{},"x":[]}}"#;
        let read = document(text.as_bytes(), 64).unwrap();
        assert_eq!(read, parse::<Value>(text.as_bytes(), 64).unwrap());
        assert_eq!(read.as_object().unwrap().keys().collect::<Vec<_>>(), ["z", "a", "o"], "in their order");
        for wrong in ["", "{", "{\"a\"}", "{} x", "{\"a\":01}", "[1,]", "{\"a\":1,}", "nul", "1e999"] {
            assert!(matches!(document(wrong.as_bytes(), 64), Err(JsonError::Syntax(_))), "{wrong}");
        }
        assert!(matches!(document(b"[[[1]]]", 2), Err(JsonError::TooDeep { max: 2 })));
    }

    #[test]
    fn values_are_counted_wherever_they_stand() {
        let read = |text: &str, values| crate::json::document(text.as_bytes(), Bounds { depth: 64, values });
        for (text, values, path) in [
            ("7", 1, ""),
            ("[[],{},0]", 4, "/2"),
            (r#"{"a":{"b/c":[null,""]},"d":true}"#, 6, "/d"),
            (r#"{"a":{"b/c":[null,""]}}"#, 5, "/a/b~1c/1"),
        ] {
            assert!(read(text, values).is_ok(), "{text}");
            let found = read(text, values - 1);
            assert!(
                matches!(&found, Err(JsonError::TooMany { path: p, max }) if p == path && *max == values - 1),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn the_deepest_document_fits_a_small_stack() {
        let text = format!("{}1{}", r#"{"a":["#.repeat(STORED_DEPTH_MAX / 2), "]}".repeat(STORED_DEPTH_MAX / 2));
        let reading = std::thread::Builder::new().stack_size(1 << 20);
        let reading = reading.spawn(move || document(text.as_bytes(), STORED_DEPTH_MAX).is_ok()).unwrap();
        assert!(reading.join().unwrap());
    }
}
