//! What an IPv4 address of a service node says about the network it is in (extensions section 2).

use std::net::Ipv4Addr;

use crate::node::ServiceNode;

/// The kind of network a node's address belongs to. Private and loopback addresses count only in
/// a network whose seed node has the same kind (extensions section 2): otherwise a list could
/// point a client at machines of its own network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressKind {
    /// Reachable over the internet.
    Public,
    /// Private, shared or link-local: 10/8, 172.16/12, 192.168/16, 100.64/10, 169.254/16.
    Private,
    /// 127/8.
    Loopback,
}

impl AddressKind {
    /// The kind of `address`, or `None` where no node can be: 0/8, multicast, reserved and broadcast.
    #[must_use]
    pub fn of(address: Ipv4Addr) -> Option<AddressKind> {
        let [first, second, ..] = address.octets();
        match first {
            0 | 224.. => None,
            127 => Some(AddressKind::Loopback),
            100 if second & 0xC0 == 64 => Some(AddressKind::Private),
            _ if address.is_private() || address.is_link_local() => Some(AddressKind::Private),
            _ => Some(AddressKind::Public),
        }
    }
}

impl ServiceNode {
    /// The kind of this node's address; `None` where no node can be.
    #[must_use]
    pub fn address_kind(&self) -> Option<AddressKind> {
        AddressKind::of(self.ip)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn kinds_of_addresses() {
        let cases = [
            ("0.0.0.0", None),
            ("0.1.2.3", None),
            ("224.0.0.1", None),
            ("239.255.255.255", None),
            ("240.0.0.1", None),
            ("255.255.255.255", None),
            ("127.0.0.1", Some(AddressKind::Loopback)),
            ("127.9.8.7", Some(AddressKind::Loopback)),
            ("10.0.0.1", Some(AddressKind::Private)),
            ("172.31.0.1", Some(AddressKind::Private)),
            ("172.32.0.1", Some(AddressKind::Public)),
            ("192.168.1.1", Some(AddressKind::Private)),
            ("169.254.1.1", Some(AddressKind::Private)),
            ("100.64.0.1", Some(AddressKind::Private)),
            ("100.127.0.1", Some(AddressKind::Private)),
            ("100.128.0.1", Some(AddressKind::Public)),
            ("8.8.8.8", Some(AddressKind::Public)),
            ("223.255.255.255", Some(AddressKind::Public)),
        ];
        for (text, kind) in cases {
            assert_eq!(AddressKind::of(text.parse().unwrap()), kind, "{text}");
        }
    }
}
