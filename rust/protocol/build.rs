//! Compiles the protobuf definitions without `protoc`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let definitions = protox::compile(["session.proto"], ["proto"])?;
    prost_build::Config::new().compile_fds(definitions)?;
    Ok(())
}
