//! The network's protobuf messages, generated from `proto/session.proto` (network-protocol section 7).

// Generated code documents its types, not the helpers beside them.
#![allow(missing_docs)]

include!(concat!(env!("OUT_DIR"), "/session.rs"));
