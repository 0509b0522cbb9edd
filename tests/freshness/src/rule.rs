//! The rules that freshness stands on.

/// Something without which a stored answer may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// An answer has the snapshot of the very statement that made it; off, one that was taken when the answer left.
    AnswersHaveTheirOwnSnapshot,
    /// What a write hands out includes the write.
    WritesIncludeThemselves,
    /// What a response hands out includes what was demanded.
    ResponsesIncludeDemands,
    /// What somebody demands is only cut by demanding more.
    DemandsAreCutUpwards,
    /// What an answer has is only cut by having less.
    AnswersAreCutDownwards,
    /// What a caller is told to have seen is not cut with what the answer has.
    CallersAreToldAllThatTheySee,
    /// Whoever demands a snapshot is only answered from what satisfies it.
    DemandsAreHonoured,
    /// An edge adds what it hears of writers to what it knows; off, the writers that it
    /// hears of last replace that.
    EdgesMerge,
    /// An answer that is still good has the snapshot up to which all writers are known; off, that of the moment.
    OnlyTheKnownIsAdded,
    /// An edge gives nothing that is older than the relation's longest age.
    AgesAreBounded,
    /// The gateway knows of a write before its caller does.
    WritesReportFirst,
    /// What is known does not go beyond notifications that are still on their way.
    MarksWaitForNotifications,
    /// What is known does not go beyond writes that are still on their way.
    MarksWaitForWrites,
    /// A gateway that starts anew demands its first snapshot of everything.
    RestartsRaiseTheFloor,
    /// A gateway whose listener was away does so too.
    LostNotificationsRaiseTheFloor,
    /// The floor waits for transactions that nobody will hear of, and nothing is fresh before.
    FloorsWaitForOrphans,
}

impl Rule {
    /// All of them.
    pub const ALL: [Rule; 16] = [
        Rule::AnswersHaveTheirOwnSnapshot,
        Rule::WritesIncludeThemselves,
        Rule::ResponsesIncludeDemands,
        Rule::DemandsAreCutUpwards,
        Rule::AnswersAreCutDownwards,
        Rule::CallersAreToldAllThatTheySee,
        Rule::DemandsAreHonoured,
        Rule::EdgesMerge,
        Rule::OnlyTheKnownIsAdded,
        Rule::AgesAreBounded,
        Rule::WritesReportFirst,
        Rule::MarksWaitForNotifications,
        Rule::MarksWaitForWrites,
        Rule::RestartsRaiseTheFloor,
        Rule::LostNotificationsRaiseTheFloor,
        Rule::FloorsWaitForOrphans,
    ];
}
