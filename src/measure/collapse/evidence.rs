//! The numbers that decide a verdict, each with its rule.

use serde::Serialize;

/// What a number says of the features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// It lies on the side of collapse, and its rule is met.
    Collapse,
    /// It lies on the side of collapse, but its rule asks for another number too.
    Half,
    /// It explains others and is no failure.
    Property,
    /// It does not speak for collapse.
    Clear,
}

impl Reading {
    /// A few words, for tables.
    pub fn words(self) -> &'static str {
        match self {
            Self::Collapse => "met",
            Self::Half => "met, not enough alone",
            Self::Property => "a property, no failure",
            Self::Clear => "not met",
        }
    }
}

/// A number that decided, beside its threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evidence {
    /// The kind of collapse that it speaks for.
    pub of: &'static str,
    /// What was looked at, in words.
    pub what: &'static str,
    /// Its symbol.
    pub symbol: &'static str,
    /// Its value.
    pub value: f64,
    /// The threshold.
    pub threshold: f64,
    /// What uniform features of as many rows give.
    pub even: f64,
    /// Whether the value lies on the side of collapse.
    pub is_met: bool,
    /// What that says, with the rest of its rule.
    pub reading: Reading,
    /// The rule in words, with its threshold.
    pub rule: String,
}

/// What is looked at: the kind it speaks for, words, symbol.
pub(super) type Subject = [&'static str; 3];

impl Evidence {
    /// Speaks for collapse from the threshold on; uniform features give 0.
    pub(super) fn at_least(subject: Subject, value: f64, threshold: f64, rule: String) -> Self {
        Self::new(subject, [value, threshold, 0.0], value >= threshold, rule)
    }

    /// Speaks for collapse up to the threshold; uniform features give 1.
    pub(super) fn at_most(subject: Subject, value: f64, threshold: f64, rule: String) -> Self {
        Self::new(subject, [value, threshold, 1.0], value <= threshold, rule)
    }

    fn new(subject: Subject, numbers: [f64; 3], is_met: bool, rule: String) -> Self {
        let ([of, what, symbol], [value, threshold, even]) = (subject, numbers);
        Self {
            of,
            what,
            symbol,
            value,
            threshold,
            even,
            is_met,
            reading: if is_met {
                Reading::Collapse
            } else {
                Reading::Clear
            },
            rule,
        }
    }

    /// One of two numbers that a rule asks for, which is met `as_a_whole`.
    pub(super) fn half(mut self, as_a_whole: bool) -> Self {
        if self.is_met && !as_a_whole {
            self.reading = Reading::Half;
        }
        self
    }

    /// Explains, and accuses of nothing.
    pub(super) fn property(mut self) -> Self {
        self.reading = Reading::Property;
        self
    }
}
