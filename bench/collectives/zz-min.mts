import { Worker } from "node:worker_threads"; import { once } from "node:events";
const {createThreadsArena} = await import("/work/main/packages/core/src/transport/threads/arena.ts");
const n=Number(process.argv[2]); const chunk=Number(process.argv[3]||0);
const ws=Array.from({length:n},()=>new Worker(new URL("file:///work/main/bench/collectives/zz-rank.mjs")));
import { execSync } from "node:child_process";
for(let i=0;i<n;i++){const [tid]=await once(ws[i],"message");if(!process.env.NOPIN)execSync(`taskset -pc ${i%2} ${tid}`);}
async function m(x:any){const arena=createThreadsArena({ranks:n,...(chunk?{chunkBytes:chunk}:{})});return Math.max(...(await Promise.all(ws.map(async(w,rank)=>{const r=once(w,"message");w.postMessage({arena,rank,measurement:x});return (await r)[0].ms}))));}
const q=(v:number[])=>{v.sort((a,b)=>a-b);return [v[0],v[Math.floor(v.length/4)],v[Math.floor(v.length/2)]]};
const R=Number(process.argv[4]||20);
for(const bytes of [4,1024,16384,32768,65536,262144]){const v=[];for(let i=0;i<R;i++)v.push(await m({kind:"latency",bytes,calls:n==2?(bytes>10000?100:1000):300}));console.log(bytes,"B us min/q1/med",q(v).map(x=>(x*1e3).toFixed(2)).join(" "));}
for(const mib of [1,16,64]){const v=[];for(let i=0;i<R/2;i++)v.push(await m({kind:"bandwidth",bytes:mib<<20,calls:Math.max(2,64/mib)}));console.log(mib,"MiB GB/s max/q/med",q(v).map(x=>((mib<<20)/x/1e6).toFixed(2)).join(" "));}
process.exit(0);
