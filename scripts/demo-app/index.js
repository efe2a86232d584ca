// A plain Express app that knows nothing of herdsman: no cluster code, no health route, one port.
'use strict';

const express = require('express');
const path = require('node:path');

const port = Number(process.env.PORT ?? 3000);
const slot = process.env.HERDSMAN_SLOT ?? 'none';
const release = process.env.HERDSMAN_RELEASE ?? path.basename(process.cwd());

const app = express();
app.disable('x-powered-by');

app.get('/', (_request, response) => {
  response.json({ hello: 'from the herd', slot, release, pid: process.pid });
});

// Takes its time: `/slow?ms=3000`, at most a minute. What a drain has to wait for.
app.get('/slow', (request, response) => {
  const ms = Math.min(Math.max(Number(request.query.ms ?? 2000) || 0, 0), 60_000);
  setTimeout(() => response.json({ waited: ms, slot, release, pid: process.pid }), ms);
});

const server = app.listen(port, (error) => {
  if (error) {
    console.error(`cannot listen on port ${port}: ${error.message}`);
    process.exit(1);
  }
  console.log(`listening on port ${port} as ${process.pid}`);
});

// Asked to end: no new connections, what is being answered is answered, then out.
process.on('SIGTERM', () => {
  console.log('asked to end; finishing what is under way');
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
