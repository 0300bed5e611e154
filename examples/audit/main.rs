//! Where did the classifier look in each photo of a folder? An audit writes a page for people who
//! do not program, and tables for spreadsheets and programs. It may be stopped at any time, and
//! resumes when it is started again.
//!
//! ```text
//! cargo run --example audit                                     # 24 photos made for a try
//! cargo run --example audit -- FOLDER --boxes boxes.csv         # boxes around what matters
//! cargo run --example audit -- FOLDER --method gradient --cover 0  # a quick first look
//! cargo run --example audit -- FOLDER --cover 20%               # covers a fifth of the photos
//! cargo run --example audit -- FOLDER --tolerance 0.05 --device cuda:0 --device flex
//! ```
//!
//! The crate `saliency-audit` does the work, for any classifier of photos;
//! `crates/saliency-program-audit/src/audit.rs` names the classifier.

use std::process::ExitCode;

use saliency_program::program;
use saliency_program_audit::args::AuditArgs;
use saliency_program_audit::audit;

fn main() -> ExitCode {
    program::run::<AuditArgs>(audit::run)
}
