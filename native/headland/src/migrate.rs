//! `headland migrate`: has a database tell its gateway who writes what.

use std::io::{self, Write};

use anyhow::Context;

/// What `headland migrate` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The database; better given in the environment, where no process list shows it
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL", required_unless_present = "print")]
    database_url: Option<String>,
    /// Takes away what it made before
    #[arg(long)]
    undo: bool,
    /// Prints the SQL in place of running it
    #[arg(long)]
    print: bool,
}

/// Runs or prints the migration.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let sql = if options.undo { gateway::UNINSTALL } else { gateway::INSTALL };
    if options.print {
        // Whoever reads may stop.
        let _ = writeln!(io::stdout(), "{}", sql.trim_end());
        return Ok(());
    }
    gateway::migrate(options.database_url.as_deref().unwrap_or_default(), sql).await.context("nothing was changed")?;
    match options.undo {
        true => println!("The schema `headland` and its triggers are gone."),
        false => println!(
            "The tables tell of their writers; start the gateway with --writers. Run this again to watch new tables."
        ),
    }
    Ok(())
}
