#!/usr/bin/env bash
# What a GPU does here, in one command of at most 8 minutes: play of the worlds that ship, alone and
# of many players together, and the speed of a fit of each stage, with the share of plain matrix
# products that it reaches (OUT/run/logs/*/speed.csv).
#
#     benchmarks/gpu.sh OUT
#
# From the root of a clone, with the extras train and record. A corpus in OUT/corpus is used; without
# one CoinRun is recorded. A rehearsal on a processor:
#
#     DEVICE=cpu PRECISIONS=float32 FRAMES=20 PLAYERS="1 4" RECORDED=2000 RECIPE=smoke MINUTES=0.5 benchmarks/gpu.sh OUT
set -euo pipefail
out=${1:?usage: benchmarks/gpu.sh OUT}
device=${DEVICE:-cuda} frames=${FRAMES:-500} minutes=${MINUTES:-2}
mkdir -p "$out"
if [ "$device" = cuda ]; then nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader; fi
for world in coinrun crafter miner; do
    for precision in ${PRECISIONS:-float32 bfloat16}; do
        genie bench "$world" --device "$device" --frames "$frames" --precision "$precision"
    done
done | tee "$out/play.txt"
python benchmarks/speed/env_rate.py --device "$device" --batches ${PLAYERS:-1 16 64 256} --rounds 3 \
    --json "$out/players.json"
if [ ! -d "$out/corpus" ]; then
    genie corpus record procgen:coinrun --out "$out/corpus" --frames "${RECORDED:-100000}" \
        --levels 0:10000 --actions 0:9 --hold 30 --seed 1
fi
genie train all --corpus "$out/corpus" --recipe "${RECIPE:-coinrun}" --out "$out/run" --minutes "$minutes" \
    --allow-collapsed
tail -n 1 "$out"/run/logs/*/speed.csv
python -m benchmarks.speed.gpu_frames --device "$device" --players ${PLAYERS:-1 16 256} --json "$out/frames.json"
