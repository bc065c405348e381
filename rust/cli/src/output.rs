//! Everything `starling` prints: plain lines for people, one JSON value for programs.

use std::io::{ErrorKind, IsTerminal, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Where answers go and in which form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    as_json: bool,
    colour: bool,
}

/// Colours of the timeline, used only when a person is watching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    /// Less important than the rest.
    Dim,
    /// Something arrived as it should.
    Green,
    /// Worth a look: a retry, a refusal.
    Yellow,
    /// Something is wrong.
    Red,
    /// A name.
    Cyan,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Self::Dim => "2",
            Self::Green => "32",
            Self::Yellow => "33",
            Self::Red => "31",
            Self::Cyan => "36",
        }
    }
}

impl Output {
    /// JSON or lines; colour only for a terminal whose owner did not refuse it (`NO_COLOR`).
    pub(crate) fn new(json: bool) -> Self {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { as_json: json, colour }
    }

    /// Whether `--json` was given.
    pub(crate) fn is_json(self) -> bool {
        self.as_json
    }

    /// Wraps `text` in a colour if colours are on.
    pub(crate) fn paint(self, colour: Colour, text: &str) -> String {
        if self.colour { format!("\x1b[{}m{text}\x1b[0m", colour.code()) } else { text.to_owned() }
    }

    /// One line, written at once: a pipe or a person reads along.
    pub(crate) fn line(self, text: &str) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::other("writing to standard output", error),
        })
    }

    /// `value` as JSON with `--json`, else `text`.
    pub(crate) fn answer<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.as_json { self.json(value) } else { self.line(&text()) }
    }

    /// `value` as one line of JSON.
    pub(crate) fn json<T: Serialize>(self, value: &T) -> Result<(), Failure> {
        let encoded = serde_json::to_string(value).map_err(|error| Failure::other("encoding JSON", error))?;
        self.line(&encoded)
    }

    /// The failure itself, on standard error, in the form that was asked for.
    pub(crate) fn failure(self, failure: &Failure) {
        let text = if self.as_json {
            serde_json::json!({ "error": failure.to_string(), "code": failure.code() }).to_string()
        } else {
            format!("starling: {failure}")
        };
        // Nobody is left to tell if standard error is closed as well.
        let _ = writeln!(std::io::stderr(), "{text}");
    }
}

/// Text that came over the network, made safe for a terminal: control characters, which could
/// move the cursor or rename the window, are shown as escapes. Line breaks stay.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\n' {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// The first `limit` characters of a text on one line, for lists and timelines.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    let one_line = printable(&text.replace('\n', " "));
    if one_line.chars().count() <= limit {
        return one_line;
    }
    let start: String = one_line.chars().take(limit).collect();
    format!("{start}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\x1b[31mb\nc\u{9b}"), "a\\u{1b}[31mb\nc\\u{9b}");
    }

    #[test]
    fn long_texts_are_cut_by_characters() {
        assert_eq!(shortened("äöü\nß", 3), "äöü…");
        assert_eq!(shortened("äöü", 3), "äöü");
    }
}
