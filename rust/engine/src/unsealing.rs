//! Opening received messages beside the writer, on two blocking threads of the runtime.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use starling_core::unseal::{Unsealable, unseal};
use starling_protocol::AccountKeys;
use starling_protocol::sealed::Opened;

/// What became of one message.
pub(crate) type Unsealed = Result<Opened, Unsealable>;

/// Opens a batch, one half on each of two threads; results in the order of `sealed`.
/// `None` if the runtime is shutting down. Must be called within the runtime.
pub(crate) async fn unseal_batch(keys: Arc<AccountKeys>, sealed: Vec<String>) -> Option<Vec<Unsealed>> {
    let mut results = Vec::with_capacity(sealed.len());
    let mut first = sealed;
    let second = first.split_off(first.len().div_ceil(2));
    let halves = [first, second].map(|half| {
        let keys = Arc::clone(&keys);
        tokio::task::spawn_blocking(move || {
            half.iter().map(|data| contained(&keys, data)).collect::<Vec<_>>()
        })
    });
    for half in halves {
        results.extend(half.await.ok()?);
    }
    Some(results)
}

/// A message that makes the decoder panic is refused like any other bad one: it goes to the
/// quarantine instead of stopping the engine each time it is met.
fn contained(keys: &AccountKeys, data: &str) -> Unsealed {
    catch_unwind(AssertUnwindSafe(|| unseal(keys, data))).unwrap_or_else(|_| {
        log::error!("opening a message ended in a panic");
        Err(Unsealable::BadContent)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use rand::rngs::SysRng;
    use rand_core::UnwrapErr;
    use starling_protocol::{Seed, envelope, session};

    use super::*;

    #[tokio::test]
    async fn order_is_kept_and_bad_ones_are_refused_in_their_places() {
        let mut rng = UnwrapErr(SysRng);
        let sender = AccountKeys::from_seed(&Seed::generate(&mut rng));
        let recipient = AccountKeys::from_seed(&Seed::generate(&mut rng));
        let mut seal = |number: u8| {
            let sealed = session::seal(&[number], &sender, &recipient.account_id(), &mut rng).unwrap();
            envelope::wrap(sealed, 1_700_000_000_000)
        };
        let sealed: Vec<String> =
            (0..9).map(|number| if number == 4 { "?".into() } else { seal(number) }).collect();
        let results = unseal_batch(Arc::new(recipient), sealed).await.unwrap();
        assert_eq!(results.len(), 9);
        for (number, result) in results.into_iter().enumerate() {
            match result {
                Ok(Opened::Session(opened)) => assert_eq!(opened.content, [number as u8]),
                Ok(Opened::Frame(_)) => panic!("nobody sealed a frame"),
                Err(refused) => assert_eq!((number, refused), (4, Unsealable::NotBase64)),
            }
        }
    }

    #[tokio::test]
    async fn an_empty_batch_is_fine() {
        let keys = AccountKeys::from_seed(&Seed::generate(&mut UnwrapErr(SysRng)));
        assert!(unseal_batch(Arc::new(keys), Vec::new()).await.unwrap().is_empty());
    }
}
