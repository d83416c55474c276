//! Numbers of tokens as providers write them. Nobody is refused an answer because of how it was counted: what cannot be
//! read was not said, and is estimated.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::value::RawValue;

/// Up to here every whole number has a floating-point number of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A number of tokens: `10`, or `10.0` from servers whose language knows no whole numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count(pub(super) u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = serde_json::Number::deserialize(deserializer)?;
        let whole = |float: &f64| float.fract() == 0.0 && (0.0..EXACT).contains(float);
        let count = number.as_u64().or_else(|| number.as_f64().filter(whole).map(|float| float as u64));
        count.map(Self).ok_or_else(|| serde::de::Error::custom("it counts nothing"))
    }
}

/// What can be read of a value on which nothing depends; none if it has another shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Perhaps<T>(pub(super) Option<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Perhaps<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = <Box<RawValue>>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(value.get()).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tried by taking every number without its fraction: the test failed.
    #[test]
    fn only_whole_numbers_from_nothing_on_count() {
        let read = |text: &str| serde_json::from_str::<Perhaps<Count>>(text).unwrap().0;
        for (text, count) in [("10", 10), ("10.0", 10), ("0", 0), ("1e3", 1_000)] {
            assert_eq!(read(text), Some(Count(count)), "{text}");
        }
        for text in ["-1", "-1.0", "2.5", "1e300", "\"10\"", "null", "[1]", "{\"a\":1}", "true"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
