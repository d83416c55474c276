//! Words for numbers, months and units of measure.

/// A number's word, up to ninety.
pub(super) fn number_word(word: &str) -> Option<u32> {
    const SMALL: [&str; 20] = [
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "thirteen",
        "fourteen",
        "fifteen",
        "sixteen",
        "seventeen",
        "eighteen",
        "nineteen",
        "twenty",
    ];
    const TENS: [&str; 7] = ["thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let small = SMALL.iter().position(|w| *w == word).map(|i| i + 1);
    let number = small.or_else(|| TENS.iter().position(|w| *w == word).map(|i| (i + 3) * 10))?;
    u32::try_from(number).ok()
}

/// What stands for a number in a source although it is no number's word.
pub(super) fn loose_number(word: &str) -> Option<&'static str> {
    Some(match word {
        "single" | "once" | "sole" => "1",
        "both" | "pair" | "twice" | "double" | "couple" | "second" => "2",
        "triple" | "third" => "3",
        "quadruple" | "fourth" => "4",
        "half" => "0.5",
        "dozen" => "12",
        _ => return None,
    })
}

/// How many zeros a multiplier adds.
pub(super) fn zeros(word: &str) -> Option<usize> {
    Some(match word {
        "hundred" => 2,
        "thousand" => 3,
        "million" => 6,
        "billion" => 9,
        "trillion" => 12,
        _ => return None,
    })
}

/// A count that is only roughly known.
pub(super) fn magnitude(word: &str) -> bool {
    matches!(word, "dozens" | "hundreds" | "thousands" | "millions" | "billions" | "trillions")
}

/// The months, in small letters.
pub(crate) const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// A month's number; true with it where the word is nothing else.
pub(super) fn month(word: &str) -> Option<(usize, bool)> {
    if let Some(index) = MONTHS.iter().position(|m| *m == word) {
        return Some((index + 1, !matches!(word, "march" | "may" | "august")));
    }
    let short = if word == "sept" { "sep" } else { word };
    let index = MONTHS.iter().position(|m| short.len() == 3 && m.starts_with(short))?;
    Some((index + 1, false))
}

/// The one name that a unit has here.
pub(crate) fn unit(word: &str) -> Option<&'static str> {
    const UNITS: [(&str, &[&str]); 60] = [
        ("%", &["percent", "percentage", "pct"]),
        ("bit", &["bits"]),
        ("byte", &["bytes"]),
        ("kb", &["kilobyte", "kilobytes", "kbyte", "kbytes"]),
        ("mb", &["megabyte", "megabytes"]),
        ("gb", &["gigabyte", "gigabytes"]),
        ("tb", &["terabyte", "terabytes"]),
        ("pb", &["petabyte", "petabytes"]),
        ("kib", &["kibibyte", "kibibytes"]),
        ("mib", &["mebibyte", "mebibytes"]),
        ("gib", &["gibibyte", "gibibytes"]),
        ("tib", &["tebibyte", "tebibytes"]),
        ("ns", &["nanosecond", "nanoseconds"]),
        ("µs", &["μs", "us", "microsecond", "microseconds"]),
        ("ms", &["millisecond", "milliseconds", "msec"]),
        ("s", &["sec", "secs", "second", "seconds"]),
        ("min", &["mins", "minute", "minutes"]),
        ("h", &["hr", "hrs", "hour", "hours"]),
        ("day", &["days"]),
        ("week", &["weeks"]),
        ("month", &["months"]),
        ("year", &["years", "yr", "yrs", "annual"]),
        ("decade", &["decades"]),
        ("century", &["centuries"]),
        ("mm", &["millimetre", "millimetres", "millimeter", "millimeters"]),
        ("cm", &["centimetre", "centimetres", "centimeter", "centimeters"]),
        ("m", &["metre", "metres", "meter", "meters"]),
        ("km", &["kilometre", "kilometres", "kilometer", "kilometers"]),
        ("mile", &["miles"]),
        ("foot", &["feet", "ft"]),
        ("inch", &["inches"]),
        ("yard", &["yards"]),
        ("hectare", &["hectares", "ha"]),
        ("acre", &["acres"]),
        ("mg", &["milligram", "milligrams"]),
        ("g", &["gram", "grams", "gramme", "grammes"]),
        ("kg", &["kilo", "kilos", "kilogram", "kilograms"]),
        ("tonne", &["tonnes", "ton", "tons"]),
        ("ounce", &["ounces", "oz"]),
        ("ml", &["millilitre", "millilitres", "milliliter", "milliliters"]),
        ("l", &["litre", "litres", "liter", "liters"]),
        ("hz", &["hertz"]),
        ("khz", &["kilohertz"]),
        ("mhz", &["megahertz"]),
        ("ghz", &["gigahertz"]),
        ("w", &["watt", "watts"]),
        ("kw", &["kilowatt", "kilowatts"]),
        ("mw", &["megawatt", "megawatts"]),
        ("kwh", &[]),
        ("v", &["volt", "volts"]),
        ("degree", &["degrees", "°"]),
        ("celsius", &[]),
        ("fahrenheit", &[]),
        ("usd", &["$", "dollar", "dollars"]),
        ("eur", &["€", "euro", "euros"]),
        ("pound", &["£", "gbp", "pounds", "lb", "lbs"]),
        ("yen", &["¥", "jpy"]),
        ("x", &["times", "×", "fold", "time"]),
        ("pixel", &["pixels", "px"]),
        ("mph", &["kph"]),
    ];
    UNITS.iter().find(|(name, also)| *name == word || also.contains(&word)).map(|(name, _)| *name)
}
