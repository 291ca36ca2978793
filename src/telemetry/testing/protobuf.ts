/** How a field of a message is written. */
export type Field = readonly [name: string, type: 'string' | 'hex' | 'bool' | 'int' | 'double' | 'fixed64' | 'fixed32' | 'doubles' | 'fixed64s' | Message, many?: 'many'];
export interface Message {
  readonly [number: number]: Field;
}

/**
 * Reads a protobuf message by its fields (https://protobuf.dev/programming-guides/encoding/): independent of the library that wrote it.
 * Fields that are not named are passed over.
 */
export function decodeMessage(bytes: Buffer, message: Message): Record<string, unknown> {
  const decoded: Record<string, unknown> = {};
  for (const [, [name, , many]] of Object.entries(message) as [string, Field][]) if (many === 'many') decoded[name] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => bytes.subarray(at, (at += length));
  while (at < bytes.length) {
    const tag = Number(varint());
    const wire = tag & 7;
    const raw = wire === 0 ? varint() : wire === 1 ? take(8) : wire === 5 ? take(4) : take(Number(varint()));
    const field = message[tag >> 3];
    if (field === undefined) continue;
    const [name, type, many] = field;
    const value = valueOf(raw, type);
    if (many === 'many') (decoded[name] as unknown[]).push(value);
    else decoded[name] = value;
  }
  return decoded;
}

function valueOf(raw: bigint | Buffer, type: Field[1]): unknown {
  if (typeof raw === 'bigint') return type === 'bool' ? raw !== 0n : Number(BigInt.asIntN(64, raw));
  if (typeof type === 'object') return decodeMessage(raw, type);
  const eights = (read: (at: number) => unknown): unknown[] => Array.from({ length: raw.length / 8 }, (_, i) => read(i * 8));
  switch (type) {
    case 'string':
      return raw.toString('utf8');
    case 'hex':
      return raw.toString('hex');
    case 'double':
      return raw.readDoubleLE();
    case 'fixed64':
      return raw.readBigUInt64LE();
    case 'fixed32':
      return raw.readUInt32LE();
    case 'doubles':
      return eights((at) => raw.readDoubleLE(at));
    case 'fixed64s':
      return eights((at) => Number(raw.readBigUInt64LE(at)));
    default:
      throw new Error(`a ${type} is not written with a length`);
  }
}
