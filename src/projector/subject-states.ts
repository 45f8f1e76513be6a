/**
 * Which projection keeps the table `subjects`, and in which shape: what load-live-state.ts looks for at its checkpoint.
 * The version rises with the shape of the states (domain/subject-state.ts) or of the rows that share their fold;
 * projections/history.ts is held to this type, so that the two cannot drift apart.
 */
export interface SubjectStatesProjection {
  readonly name: 'history';
  readonly version: 1;
}

export const subjectStates: SubjectStatesProjection = { name: 'history', version: 1 };
