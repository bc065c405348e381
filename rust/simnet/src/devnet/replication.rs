//! Members of a swarm talk in process; silence and slowness hold between them too.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::timeout;

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
            let redelivery = self.config.redelivery;
            let delivery = async move {
                let peer = peer?;
                // A member that is down is silent: the network's nodes wait their 5 s for it. One that
                // comes back soon gets the message then, one that takes longer never.
                if timeout(redelivery, peer.up()).await.is_err() {
                    std::future::pending::<()>().await;
                }
                peer.wait().await;
                peer.node().receive(from, &message, now_ms())
            };
            let patience = self.config.peer_timeout + redelivery;
            answers.spawn(async move { (to, timeout(patience, delivery).await.ok().flatten()) });
        }
        let silence = tokio::time::sleep(self.config.peer_timeout);
        tokio::pin!(silence);
        loop {
            tokio::select! {
                // Who has answered is never called silent, however late this task comes round to it.
                biased;
                Some(joined) = answers.join_next() => {
                    let Ok((peer, answer)) = joined else { continue };
                    let done = host.node().peer_answered(ticket, peer, answer, now_ms());
                    if done.is_some() {
                        return done;
                    }
                }
                () = &mut silence => {
                    answers.detach_all();
                    return host.node().gather_timeout(ticket, now_ms());
                }
            }
        }
    }
}
