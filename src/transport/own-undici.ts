// In this order: what undici does to the process when it is loaded is undone.
import './global-dispatchers-kept.ts';
import { Agent, request, type Dispatcher } from 'undici';
import './global-dispatchers-given-back.ts';
import { announceDispatcher } from './taps/undici-classes.ts';

// Taps know at once the copy of undici that our own calls go out by: those are in the books already.
announceDispatcher(Agent.prototype);

export { Agent, request, type Dispatcher };
