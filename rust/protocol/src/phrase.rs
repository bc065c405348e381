//! The recovery phrase: a seed as English words (network-protocol section 1, "Mnemonic").
//!
//! A 16-byte seed is 13 words: three for every four bytes, and one that checks the others. The 32-byte
//! seeds of old accounts are 25. Words are told apart by their first three letters.

use once_cell::sync::Lazy;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::account::Seed;

/// Letters that make a word unique in the list.
const PREFIX: usize = 3;
/// Characters of an unknown word an error repeats.
const SHOWN: usize = 24;

/// The list in alphabetical order, so that a prefix is found by bisection.
static WORDS: Lazy<Vec<&'static str>> = Lazy::new(|| include_str!("../data/english.txt").lines().collect());

/// Why words are not a recovery phrase. Positions count from one, as a person would.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PhraseError {
    /// A word that begins like no word of the list.
    #[error("word {position} of the phrase, \"{word}\", is not in the word list")]
    UnknownWord {
        /// Which word.
        position: usize,
        /// The word as it was understood (lower case, at most 24 characters).
        word: String,
    },
    /// Neither 13 words nor the 25 of old accounts.
    #[error("a recovery phrase has 13 words, not {words}")]
    WrongLength {
        /// How many words there were.
        words: usize,
    },
    /// All words are in the list, but the last one does not fit them: one was mistyped or swapped.
    #[error("the last word, \"{found}\", does not match the others: a word is wrong or out of place")]
    BadChecksum {
        /// The checking word that was given.
        found: String,
    },
    /// Three words that stand for no four bytes.
    #[error("words {position} to {} of the phrase do not belong together", position + 2)]
    Corrupt {
        /// The first of the three.
        position: usize,
    },
}

/// The recovery phrase of a seed: words separated by single spaces.
pub fn encode(seed: &Seed) -> Zeroizing<String> {
    // Room for 25 of the longest words: growing would leave copies behind.
    let mut phrase = Zeroizing::new(String::with_capacity(512));
    let mut indices = Zeroizing::new(Vec::with_capacity(24));
    let (groups, _) = seed.as_bytes().as_chunks::<4>();
    for group in groups {
        indices.extend(indices_of(u32::from_le_bytes(*group)));
    }
    let check = indices.get(check_position(&indices)).copied();
    for word in indices.iter().chain(&check).filter_map(|index| WORDS.get(*index as usize)) {
        if !phrase.is_empty() {
            phrase.push(' ');
        }
        phrase.push_str(word);
    }
    phrase
}

/// Reads a recovery phrase, whatever its case, spacing and punctuation.
///
/// # Errors
/// [`PhraseError`] names the word at fault.
pub fn decode(words: &str) -> Result<Seed, PhraseError> {
    let text = Zeroizing::new(words.to_lowercase());
    let words = || text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    let count = words().count();
    if !matches!(count, 13 | 25) {
        return Err(PhraseError::WrongLength { words: count });
    }
    let mut indices = Zeroizing::new(Vec::with_capacity(count));
    for (word, position) in words().zip(1..) {
        let index = index_of(word)
            .ok_or_else(|| PhraseError::UnknownWord { position, word: word.chars().take(SHOWN).collect() })?;
        indices.push(index);
    }
    let check = indices.pop();
    let mut bytes = Zeroizing::new(Vec::with_capacity(32));
    let (triples, _) = indices.as_chunks::<3>();
    for (triple, position) in triples.iter().zip((1..).step_by(3)) {
        let value = value_of(*triple).ok_or(PhraseError::Corrupt { position })?;
        bytes.extend(value.to_le_bytes());
    }
    if indices.get(check_position(&indices)).copied() != check {
        let found = words().next_back().unwrap_or_default().chars().take(SHOWN).collect();
        return Err(PhraseError::BadChecksum { found });
    }
    Seed::from_bytes(&bytes).map_err(|_| PhraseError::WrongLength { words: count })
}

fn list_length() -> u32 {
    WORDS.len() as u32
}

fn prefix(word: &str) -> &str {
    word.get(..PREFIX).unwrap_or(word)
}

fn index_of(word: &str) -> Option<u32> {
    WORDS.binary_search_by_key(&prefix(word), |listed| prefix(listed)).ok().map(|index| index as u32)
}

/// The three words of four bytes, each counted from the one before it.
fn indices_of(value: u32) -> [u32; 3] {
    let n = list_length();
    let first = value % n;
    let second = (value / n + first) % n;
    let third = (value / n / n + second) % n;
    [first, second, third]
}

/// The four bytes of three words; the words have more combinations than there are numbers.
fn value_of([first, second, third]: [u32; 3]) -> Option<u32> {
    let n = list_length();
    let step = |from: u32, to: u32| u64::from((n + to - from) % n);
    let wide = u64::from(n);
    let value = u64::from(first) + wide * step(first, second) + wide * wide * step(second, third);
    u32::try_from(value).ok()
}

/// Which of the words is repeated at the end: CRC-32 over their prefixes, modulo their number.
fn check_position(indices: &[u32]) -> usize {
    let mut hasher = crc32fast::Hasher::new();
    for word in indices.iter().filter_map(|index| WORDS.get(*index as usize)) {
        hasher.update(prefix(word).as_bytes());
    }
    (hasher.finalize() as usize).checked_rem(indices.len()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    const PHRASE: &str = "vexed enjoy pigment films adept voted vexed enjoy pigment films adept voted adept";

    #[test]
    fn list_is_sorted_by_unique_prefixes() {
        assert_eq!(WORDS.len(), 1626);
        assert!(WORDS.iter().all(|word| word.len() > PREFIX && word.bytes().all(|b| b.is_ascii_lowercase())));
        assert!(WORDS.windows(2).all(|pair| prefix(pair[0]) < prefix(pair[1])));
    }

    #[test]
    fn case_spacing_and_punctuation_do_not_matter() {
        let seed = decode(PHRASE).unwrap();
        assert_eq!(decode(&PHRASE.to_uppercase().replace(' ', ",\n ")), Ok(seed.clone()));
        let prefixes: Vec<_> = PHRASE.split(' ').map(prefix).collect();
        assert_eq!(decode(&prefixes.join(" ")), Ok(seed));
    }

    #[test]
    fn errors_name_the_word() {
        let unknown = PHRASE.replacen("pigment", "xylem", 1);
        let word = "xylem".to_owned();
        assert_eq!(decode(&unknown), Err(PhraseError::UnknownWord { position: 3, word }));
        let short = PHRASE.rsplit_once(' ').unwrap().0;
        assert_eq!(decode(short), Err(PhraseError::WrongLength { words: 12 }));
        assert_eq!(decode(""), Err(PhraseError::WrongLength { words: 0 }));
        let wrong = format!("{short} voted");
        let found = "voted".to_owned();
        assert_eq!(decode(&wrong), Err(PhraseError::BadChecksum { found }));
    }

    #[test]
    fn triples_beyond_four_bytes_are_corrupt() {
        // Differences of -1 are the highest digits: beyond 2^32.
        let phrase = format!("zoom zones zombie {}", PHRASE.split_once("films").unwrap().1);
        let phrase = format!("{phrase} films");
        assert_eq!(decode(&phrase), Err(PhraseError::Corrupt { position: 1 }));
    }

    proptest! {
        #[test]
        fn phrase_returns_the_seed(bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 16),
            prop::collection::vec(any::<u8>(), 32),
        ]) {
            let seed = Seed::from_bytes(&bytes).unwrap();
            let phrase = encode(&seed);
            prop_assert_eq!(phrase.split(' ').count(), bytes.len() / 4 * 3 + 1);
            prop_assert_eq!(decode(&phrase), Ok(seed));
        }

        #[test]
        fn any_text_is_harmless(text in ".*", words in prop::collection::vec(0..1626usize, 13)) {
            let _ = decode(&text);
            let phrase = words.iter().map(|index| WORDS[*index]).collect::<Vec<_>>().join(" ");
            if let Ok(seed) = decode(&phrase) {
                prop_assert_eq!(&*encode(&seed), &phrase);
            }
        }
    }
}
