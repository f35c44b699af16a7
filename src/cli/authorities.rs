//! `--ca-file`: whom the commands that connect over TLS trust besides the authorities that the system knows.

use std::path::PathBuf;

use super::failure::Failure;
use crate::client::trust::Trust;

/// The option, as every such command has it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Authorities {
    /// File with certificates (PEM) to trust besides the system's, for https:// and wss:// with one of your own
    #[arg(long, value_name = "FILE", env = "INVIGIL_CA_FILE")]
    pub ca_file: Option<PathBuf>,
}

impl Authorities {
    /// Reads them.
    ///
    /// # Errors
    /// Code 2, if there is a file and it cannot be read or holds no certificate.
    pub fn trust(&self) -> Result<Trust, Failure> {
        let read = self.ca_file.as_deref().map(|file| Trust::read("--ca-file", file)).transpose();
        Ok(read.map_err(Failure::usage)?.unwrap_or_default())
    }
}
