//! One measured number beside its target.

use serde::Serialize;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Figure {
    what: String,
    value: f64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    met: Option<bool>,
}

/// What the number is to be.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }
}

impl Figure {
    /// A number that is only to be known.
    pub(super) fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { what: what.into(), value, unit, target: None, met: None }
    }

    /// A number with a target, if it has one.
    pub(super) fn with_target(self, target: impl Into<Option<Target>>) -> Self {
        let target = target.into();
        Self { target, met: target.map(|target| target.is_met(self.value)), ..self }
    }

    /// For people: name, number, target, verdict.
    pub(super) fn line(&self) -> String {
        let verdict = match (self.target, self.met) {
            (Some(target), met) => {
                let (sign, bound) = match target {
                    Target::AtLeast(bound) => ("≥", bound),
                    Target::AtMost(bound) => ("≤", bound),
                };
                let word = if met == Some(true) { "met" } else { "MISSED" };
                format!("  {sign} {bound}  {word}")
            }
            (None, _) => String::new(),
        };
        format!("{:<64} {:>12} {:<14}{verdict}", self.what, number(self.value), self.unit)
    }
}

/// Three digits that mean something.
fn number(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        medium if medium >= 10.0 => format!("{value:.1}"),
        small if small >= 0.1 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_have_a_side() {
        assert!(Target::AtLeast(0.9).is_met(0.9) && !Target::AtLeast(0.9).is_met(0.89));
        assert!(Target::AtMost(1.3).is_met(1.3) && !Target::AtMost(1.3).is_met(1.31));
    }

    #[test]
    fn a_missed_target_is_seen_at_a_glance() {
        let line = Figure::new("x", 2.0, "ms").with_target(Target::AtMost(1.5)).line();
        assert!(line.contains("2.00") && line.contains("≤ 1.5") && line.contains("MISSED"), "{line}");
    }
}
