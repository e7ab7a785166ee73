"""Takes a session of the toolbox over and plays a script: raw bytes in the toolbox's name.

The toolbox runs as the same user as everything here, so its stdin and stdout can be opened like files. What the script
may hold stands in script.ts.
"""
import base64, http.client, json, os, signal, struct, sys, threading, time

HEARD_BYTES_MAX = 1 << 20
WRITE_BYTES = 1 << 18
FRAME_HEADER_BYTES = 9
HEADERS = 1


def find_toolbox(session):
    for entry in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{entry}/cmdline', 'rb') as file:
                words = file.read().split(b'\0')
        except OSError:
            continue
        if words[0].endswith(b'node') and words[-2].endswith(f'/{session}.js'.encode()):
            return int(entry)
    raise SystemExit(f'there is no {session}')


class Listener(threading.Thread):
    """Reads what the server sends, and knows on which streams it asked for something."""

    def __init__(self, descriptor):
        super().__init__(daemon=True)
        self.descriptor, self.heard, self.total, self.asked = descriptor, b'', 0, []
        self.changed, self.ended = threading.Condition(), threading.Event()

    def run(self):
        pending = b''
        while piece := os.read(self.descriptor, 1 << 16):
            self.total += len(piece)
            self.heard += piece[:HEARD_BYTES_MAX - len(self.heard)]
            pending = self.take_frames(pending + piece)
        self.ended.set()

    def take_frames(self, pending):
        while len(pending) >= FRAME_HEADER_BYTES:
            length = FRAME_HEADER_BYTES + int.from_bytes(pending[:3], 'big')
            if len(pending) < length:
                break
            if pending[3] == HEADERS:
                with self.changed:
                    self.asked.append(int.from_bytes(pending[5:9], 'big'))
                    self.changed.notify_all()
            pending = pending[length:]
        return pending

    def next_request(self):
        with self.changed:
            self.changed.wait_for(lambda: self.asked)
            return self.asked.pop(0)


class Player(threading.Thread):
    """Plays the steps one after the other."""

    def __init__(self, script, process, listener):
        super().__init__(daemon=True)
        self.steps, self.step_seconds = script['steps'], script['stepSeconds']
        self.process, self.listener = process, listener
        self.outputs = {1: self.open(1), 2: self.open(2)}
        self.asked, self.sent = 0, 0
        self.until, self.ended = None, threading.Event()

    def open(self, descriptor):
        return os.open(f'/proc/{self.process}/fd/{descriptor}', os.O_WRONLY)

    def run(self):
        for step in self.steps:
            self.until = None if step['do'] == 'hear' else time.monotonic() + self.step_seconds
            getattr(self, step['do'])(step)
        self.ended.set()

    def is_held_up(self):
        return self.until is not None and time.monotonic() > self.until

    def hear(self, _):
        self.asked = self.listener.next_request()

    def rest(self, step):
        time.sleep(step['seconds'])

    def kill(self, step):
        os.kill(self.process, signal.SIGKILL)
        if not step['keepsPipes']:
            os._exit(0)

    def tell(self, _):
        tell('/heard', self.listener.heard)

    def send(self, step):
        """The same bytes again and again, with the ids of streams put in where the script says so."""
        data, places = base64.b64decode(step['bytes']), step.get('places', [])
        left, until = step.get('times', 1), time.monotonic() + step.get('seconds', 3600)
        identifier = self.asked if step.get('id') == 'asked' else step.get('id', 0)
        together = 1 if places or step.get('pause') else min(left, max(1, WRITE_BYTES // len(data)))
        while left > 0 and time.monotonic() < until:
            block = bytearray(data * min(left, together))
            for count, place in enumerate(places, 1):
                struct.pack_into('>I', block, place, identifier & 0x7fffffff)
                if step.get('each') and count % step['each'] == 0:
                    identifier += 2
            self.write(block, step.get('to', 1))
            left -= together
            time.sleep(step.get('pause', 0))

    def drip(self, step):
        data = bytearray(base64.b64decode(step['bytes']))
        for place in step['places']:
            struct.pack_into('>I', data, place, self.asked)
        for byte in data:
            self.write(bytes([byte]), 1)
            time.sleep(step['pause'])

    def ask(self, step):
        """Requests as fast as they are answered."""
        request, identifier = base64.b64decode(step['bytes']), step['id']
        until = time.monotonic() + step['seconds']
        while time.monotonic() < until:
            block = b''
            for _ in range(step['together']):
                block += request[:5] + struct.pack('>I', identifier) + request[9:]
                identifier += 2
            before = self.listener.total
            self.write(block, 1)
            while self.listener.total < before + FRAME_HEADER_BYTES * step['together'] and time.monotonic() < until:
                time.sleep(0.001)

    def write(self, data, descriptor):
        view = memoryview(data)
        while view:
            written = os.write(self.outputs[descriptor], view)
            self.sent += written
            view = view[written:]


def tell(path, body):
    """To the server's side, by the way out."""
    connection = http.client.HTTPConnection('127.0.0.1', 3128, timeout=10)
    connection.request('POST', path, body)
    connection.getresponse().read()


def main():
    with open(sys.argv[1]) as file:
        script = json.load(file)
    session = script['session']
    process = find_toolbox(session)
    listener = Listener(os.open(f'/proc/{process}/fd/0', os.O_RDONLY))
    player = Player(script, process, listener)
    if session == 'way-out':
        tell('/seized', b'')
        # The answer's last frames are still on their way through the toolbox.
        time.sleep(0.1)
    if script['stopped']:
        os.kill(process, signal.SIGSTOP)
        if not script['deaf']:
            listener.start()
    if session == 'calls':
        tell('/seized', b'')
    player.start()
    while not (player.ended.is_set() or listener.ended.is_set() or player.is_held_up()):
        time.sleep(0.02)
    # The end of the server's side may come a moment after the script's.
    listener.ended.wait(script['lingers'])
    ended = 'closed' if listener.ended.is_set() else 'played' if player.ended.is_set() else 'held up'
    report = json.dumps({'ended': ended, 'sent': player.sent}).encode()
    if session == 'calls':
        tell('/report', report)
    else:
        with open('/tmp/report.part', 'wb') as file:
            file.write(report)
        os.rename('/tmp/report.part', '/tmp/report.json')
    # Who ends lets go of the toolbox's stdin and stdout.
    time.sleep(3600)


main()
