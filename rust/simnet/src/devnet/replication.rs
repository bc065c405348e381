//! Members of a swarm talk in process; silence and slowness hold between them too.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::host::{Fabric, Host};
use super::now_ms;
use crate::{Forward, Handled, Reply, Ticket};

impl Fabric {
    /// Carries a request to its answer, through as many gatherings as it takes.
    pub(super) async fn settle(&self, host: &Host, mut handled: Handled) -> Reply {
        loop {
            match handled {
                Handled::Reply(reply) => return reply,
                Handled::Gather { ticket, forwards } => {
                    let Some(next) = self.gather(host, ticket, forwards).await else {
                        return Reply::text(500, "Internal Server Error");
                    };
                    handled = next;
                }
            }
        }
    }

    async fn gather(&self, host: &Host, ticket: Ticket, forwards: Vec<Forward>) -> Option<Handled> {
        let from = host.listed.key;
        let mut answers = JoinSet::new();
        for Forward { to, message } in forwards {
            let peer: Option<Arc<Host>> = self.hosts.get(&to).cloned();
            answers.spawn(async move {
                let Some(peer) = peer else { return (to, None) };
                // A member that is down is silent: the network's nodes wait their 5 s for it.
                peer.wait().await;
                let answer = peer.node().receive(from, &message, now_ms());
                (to, answer)
            });
        }
        let timeout = tokio::time::sleep(self.config.peer_timeout);
        tokio::pin!(timeout);
        loop {
            tokio::select! {
                Some(joined) = answers.join_next() => {
                    let Ok((peer, answer)) = joined else { continue };
                    let done = host.node().peer_answered(ticket, peer, answer, now_ms());
                    if done.is_some() {
                        return done;
                    }
                }
                () = &mut timeout => return host.node().gather_timeout(ticket, now_ms()),
            }
        }
    }
}
