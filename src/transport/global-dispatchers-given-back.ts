import { giveBackGlobalDispatchers } from './global-dispatchers-kept.ts';

giveBackGlobalDispatchers();
