pub mod batch {
    #[path = "../../../../../crates/ferrotel/src/sdk/batch/per_process.rs"]
    pub mod per_process;
}
