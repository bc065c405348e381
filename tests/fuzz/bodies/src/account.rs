//! Accounts as people and hosts write them.

use starling_protocol::phrase;
use starling_protocol::{AccountId, NodeKey, Seed};
use starling_store::StoreKey;

/// Account ids and node keys: text that is accepted is written the same way again, in lower case, and
/// bytes that are accepted are kept.
pub fn account_id(data: &[u8]) -> bool {
    let from_bytes = AccountId::from_bytes(data);
    if let Ok(id) = from_bytes {
        assert_eq!(id.as_bytes().as_slice(), data);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.as_bytes()[1..], id.x25519());
    }
    let from_key = data.first_chunk::<32>().map(AccountId::from_ed25519);
    if let Some(Ok(id)) = from_key {
        assert_eq!(AccountId::from_bytes(id.as_bytes()), Ok(id));
    }
    let text = String::from_utf8_lossy(data);
    let from_text = text.parse::<AccountId>();
    if let Ok(id) = from_text {
        assert_eq!(id.to_string(), text.to_ascii_lowercase());
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<AccountId>(&json).unwrap(), id);
    }
    from_bytes.is_ok() || from_text.is_ok() || matches!(from_key, Some(Ok(_)))
}

/// Recovery phrases: a phrase that is read gives a seed whose own phrase gives it again; so does every
/// seed. Errors repeat no more than 24 characters of a word.
pub fn phrase(data: &[u8]) -> bool {
    let again = |seed: &Seed| assert!(phrase::decode(&phrase::encode(seed)).as_ref() == Ok(seed));
    if let Ok(seed) = Seed::from_bytes(data) {
        again(&seed);
    }
    let decoded = phrase::decode(&String::from_utf8_lossy(data));
    match &decoded {
        Ok(seed) => again(seed),
        Err(
            phrase::PhraseError::UnknownWord { word: shown, .. }
            | phrase::PhraseError::BadChecksum { found: shown },
        ) => {
            assert!(shown.chars().count() <= 24);
        }
        Err(_) => {}
    }
    decoded.is_ok()
}

/// Keys and seeds: exactly the right lengths are accepted, and `Debug` never shows a secret.
pub fn keys(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let is_hex = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let store_key = StoreKey::from_hex(&text);
    assert_eq!(store_key.is_ok(), is_hex);
    let node_key = text.parse::<NodeKey>();
    assert_eq!(node_key.map(|key| key.to_string()).ok(), is_hex.then(|| text.to_ascii_lowercase()));
    let seed = Seed::from_bytes(data);
    assert_eq!(seed.is_ok(), matches!(data.len(), 16 | 32));
    if let Ok(key) = &store_key {
        assert_eq!(format!("{key:?}"), "StoreKey(redacted)");
    }
    if let Ok(seed) = &seed {
        assert_eq!(seed.as_bytes(), data);
        assert_eq!(format!("{seed:?}"), "Seed(redacted)");
    }
    store_key.is_ok() || seed.is_ok()
}
