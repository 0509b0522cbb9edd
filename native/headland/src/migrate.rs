//! `headland migrate`: has a database tell its gateway who writes what.

use std::io::{self, Write};

use anyhow::Context;
use gateway::Source;

/// What `headland migrate` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The database; better given in the environment, where no process list shows it
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL", required_unless_present = "print")]
    database_url: Option<String>,
    /// Has the log tell, by logical replication, in place of triggers
    #[arg(long)]
    replication: bool,
    /// Takes away what it made before, of either kind
    #[arg(long, conflicts_with = "replication")]
    undo: bool,
    /// Prints the SQL in place of running it
    #[arg(long)]
    print: bool,
}

/// Runs or prints the migration.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let source = if options.replication { Source::Replication } else { Source::Triggers };
    let sql = if options.undo { gateway::UNINSTALL } else { source.install() };
    if options.print {
        // Whoever reads may stop.
        let _ = writeln!(io::stdout(), "{}", sql.trim_end());
        return Ok(());
    }
    gateway::migrate(options.database_url.as_deref().unwrap_or_default(), sql).await.context("nothing was changed")?;
    println!("{}", told(&options));
    Ok(())
}

fn told(options: &Options) -> &'static str {
    match (options.undo, options.replication) {
        (true, _) => "The schema `headland`, its triggers and the publication are gone.",
        (_, true) => {
            "The log tells of the writers of tables that have a primary key or another replica identity; start the gateway with \
             --writers=replication. Run this again to watch new tables."
        }
        _ => "The tables tell of their writers; start the gateway with --writers. Run this again to watch new tables.",
    }
}
