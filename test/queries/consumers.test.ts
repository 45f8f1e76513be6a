/** Consumers as tests of http/ keep them in memory: the same cases as of the tables. */
import { createMemoryConsumers } from '../support/memory-consumers.ts';
import { describeConsumers } from './consumers-cases.ts';

const store = createMemoryConsumers();
describeConsumers(() => store);
