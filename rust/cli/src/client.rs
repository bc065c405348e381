//! From a data directory to an open engine, and the failures on the way.

use std::path::{Path, PathBuf};
use std::time::Duration;

use starling_engine::{Damage, Driver, Engine, EngineConfig, EngineError};

use crate::arguments::Home;
use crate::failure::Failure;
use crate::secrets;

/// How long requests under way may take to end when a command is done.
const GRACE: Duration = Duration::from_secs(5);

/// Where an account lives if nothing is said.
const DEFAULT_DIRECTORY: &str = "starling-data";

impl Home {
    fn directory(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_DIRECTORY))
    }

    /// Opens the store for a new account, creating the directory.
    pub(crate) fn create(&self) -> Result<Engine, Failure> {
        let key = secrets::store_key(self.key_file.as_deref())?;
        let config = EngineConfig::new(self.directory(), key, self.seed_nodes.clone());
        Engine::open(config, Driver::system()?).map_err(Failure::from)
    }

    /// Opens an existing account; looking at a directory must not turn it into a store.
    pub(crate) fn open(&self) -> Result<Engine, Failure> {
        let directory = self.directory();
        if !is_inhabited(&directory) {
            return Err(Failure::Usage(format!(
                "{}: no account here; create one with `starling account new`",
                directory.display()
            )));
        }
        let engine = self.create()?;
        if engine.account_id().is_none() {
            return Err(EngineError::NeedsAccount.into());
        }
        Ok(engine)
    }

    /// Opens an existing account that is going to use the network.
    pub(crate) fn open_online(&self) -> Result<Engine, Failure> {
        if self.seed_nodes.is_empty() {
            return Err(Failure::Usage(
                "which network? give --seed-node URL (`starling devnet` starts one and prints its URL)"
                    .to_owned(),
            ));
        }
        self.open()
    }
}

/// The account id as text.
pub(crate) fn own_id(engine: &Engine) -> String {
    engine.account_id().map(|id| id.to_string()).unwrap_or_default()
}

fn is_inhabited(directory: &Path) -> bool {
    directory.read_dir().is_ok_and(|mut entries| entries.next().is_some())
}

/// Lets requests under way end, then gives the store back. What is left in the outbox stays there.
pub(crate) async fn close(engine: Engine) -> Result<(), Failure> {
    engine.suspend(GRACE).await?;
    engine.shutdown().await?;
    Ok(())
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let text = error.to_string();
        match error {
            EngineError::FixInput(_) | EngineError::NeedsAccount => Self::Usage(text),
            EngineError::Unlock | EngineError::InUse => Self::Locked(text),
            EngineError::Damaged(Damage::NotADatabase) => Self::Usage(text),
            EngineError::RetryLater(_) => Self::Other(format!("{text}; try again")),
            EngineError::NewerVersion { .. }
            | EngineError::DiskFull
            | EngineError::Damaged(_)
            | EngineError::Suspended
            | EngineError::ShutDown
            | EngineError::Crashed => Self::Other(text),
        }
    }
}
