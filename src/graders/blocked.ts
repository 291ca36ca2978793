/**
 * Reason of the score rows of an output that the provider's content filter blocked: no grader saw it, its value is 0, and reports count
 * these rows apart by this reason.
 */
export const BLOCKED_REASON = "blocked by the provider's content filter";
