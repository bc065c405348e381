//! State in and out of the store.

use proptest::prelude::*;
use starling_ratchet::{MAX_CHAINS, MAX_PICKLE_BYTES, MAX_SKIPPED, PickleError, Prekeys, Session};
use vodozemac::olm::Account;

use crate::pair::{accepted, established, hear, say, turn};

fn reloaded(session: &Session) -> Session {
    let bytes = session.pickle().unwrap();
    let session = Session::unpickle(&bytes).unwrap();
    assert_eq!(session.pickle().unwrap(), bytes, "nothing is lost on the way");
    session
}

#[test]
fn a_session_survives_a_restart_after_every_message() {
    let (prekeys, mut acceptor) = accepted();
    let prekeys = Prekeys::unpickle(&prekeys.pickle().unwrap()).unwrap();
    let first = say(&mut acceptor, "accept");
    acceptor = reloaded(&acceptor);
    let mut owner = reloaded(&prekeys.answer(&first).unwrap().0);
    for round in 0..12 {
        let message = say(&mut owner, &format!("{round} there"));
        owner = reloaded(&owner);
        assert_eq!(hear(&mut acceptor, &message), format!("{round} there"));
        acceptor = reloaded(&acceptor);
        let message = say(&mut acceptor, &format!("{round} back"));
        acceptor = reloaded(&acceptor);
        assert_eq!(hear(&mut owner, &message), format!("{round} back"));
        owner = reloaded(&owner);
        assert_eq!(owner.id(), acceptor.id());
    }
}

#[test]
fn a_young_session_takes_about_a_kilobyte() {
    let (owner, acceptor) = established();
    for session in [owner, acceptor] {
        let bytes = session.pickle().unwrap().len();
        assert!((500..=1_000).contains(&bytes), "{bytes} bytes");
    }
}

#[test]
fn the_fullest_session_stays_below_half_of_the_limit() {
    let (mut owner, mut acceptor) = established();
    for _ in 0..MAX_CHAINS {
        turn(&mut acceptor, &mut owner);
        let last = (0..=MAX_SKIPPED).map(|_| say(&mut owner, "skipped")).last().unwrap();
        hear(&mut acceptor, &last);
    }
    let bytes = reloaded(&acceptor).pickle().unwrap().len();
    assert!((12_000..MAX_PICKLE_BYTES / 2).contains(&bytes), "{bytes} bytes");
}

#[test]
fn a_pickle_is_read_whole_or_not_at_all() {
    let (owner, _) = established();
    let bytes = owner.pickle().unwrap().to_vec();
    for length in 0..bytes.len() {
        assert_eq!(Session::unpickle(&bytes[..length]).unwrap_err(), PickleError::Malformed);
    }
    let with_more = [bytes, vec![0]].concat();
    assert_eq!(Session::unpickle(&with_more).unwrap_err(), PickleError::Malformed);
    assert_eq!(Session::unpickle(&vec![0; MAX_PICKLE_BYTES + 1]).unwrap_err(), PickleError::TooLong);
    assert_eq!(Prekeys::unpickle(&vec![0; MAX_PICKLE_BYTES + 1]).unwrap_err(), PickleError::TooLong);
}

#[test]
fn an_account_with_other_than_one_key_is_not_taken_from_the_store() {
    for keys in [0, 2] {
        let mut account = Account::new();
        account.generate_one_time_keys(keys);
        let bytes = rmp_serde::to_vec_named(&account.pickle()).unwrap();
        assert_eq!(Prekeys::unpickle(&bytes).unwrap_err(), PickleError::NotOneKey);
    }
    let mut account = Account::new();
    account.generate_one_time_keys(1);
    account.generate_fallback_key();
    let bytes = rmp_serde::to_vec_named(&account.pickle()).unwrap();
    assert_eq!(Prekeys::unpickle(&bytes).unwrap_err(), PickleError::NotOneKey);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn damaged_pickles_never_panic(place in any::<prop::sample::Index>(), byte: u8, noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let (owner, _) = established();
        let mut bytes = owner.pickle().unwrap().to_vec();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        if let Ok(session) = Session::unpickle(&bytes) {
            session.pickle().unwrap();
        }
        assert!(Session::unpickle(&noise).is_err());
        assert!(Prekeys::unpickle(&noise).is_err());
    }
}
