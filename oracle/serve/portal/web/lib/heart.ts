/** A drawing of a heart in three dimensions that beats at a given pace. It is a picture of the rate, not of anybody's heart. */
import {
  CatmullRomCurve3, Color, DirectionalLight, Group, HemisphereLight, Mesh, MeshStandardMaterial, PerspectiveCamera, Scene,
  SphereGeometry, TubeGeometry, Vector3, WebGLRenderer,
} from 'three'

const HEIGHT = 260
const MOST_PIXELS = 2
const ATRIA_LAST = 0.11 // s, as the P wave
const DELAY = 0.16 // s from atria to ventricles, as the PR interval
const VENTRICLES_LAST = 0.3 // s, as the QT interval at rest
const SQUEEZE = 0.12
const TURN = 0.25 // rad/s
const REDUCED = '(prefers-reduced-motion: reduce)'

/** How far a chamber has contracted, 0 to 1, `time` seconds into a beat. */
const squeeze = (time: number, begins: number, lasts: number): number =>
  time < begins || time > begins + lasts ? 0 : Math.sin((Math.PI * (time - begins)) / lasts)

/** Draws into the element until it leaves the page; throws where the browser has no WebGL. */
export function beat(element: HTMLElement, perMinute: number): void {
  const renderer = new WebGLRenderer({ antialias: true, alpha: true })
  renderer.setPixelRatio(Math.min(devicePixelRatio, MOST_PIXELS))
  const scene = new Scene()
  const camera = new PerspectiveCamera(35, 1, 0.1, 50)
  camera.position.set(0, 0.2, 6.2)
  const sun = new DirectionalLight(0xffffff, 2.4)
  sun.position.set(2, 3, 4)
  scene.add(new HemisphereLight(0xffffff, 0x443333, 1.6), sun)
  const { whole, atria, ventricles } = heart()
  scene.add(whole)
  element.replaceChildren(renderer.domElement)

  const fit = (): void => {
    const width = Math.max(200, element.clientWidth)
    renderer.setSize(width, HEIGHT)
    camera.aspect = width / HEIGHT
    camera.updateProjectionMatrix()
  }
  fit()
  const watch = new ResizeObserver(fit)
  watch.observe(element)

  const still = matchMedia(REDUCED).matches
  const begun = performance.now()
  renderer.setAnimationLoop((now) => {
    if (!element.isConnected) {
      watch.disconnect()
      renderer.setAnimationLoop(null)
      renderer.dispose()
      return
    }
    const seconds = (now - begun) / 1000
    const time = seconds % (60 / perMinute)
    const [above, below] = still ? [0, 0] : [squeeze(time, 0, ATRIA_LAST), squeeze(time, DELAY, VENTRICLES_LAST)]
    atria.scale.setScalar(1 - SQUEEZE * above)
    ventricles.scale.setScalar(1 - SQUEEZE * below)
    whole.rotation.y = still ? 0 : TURN * seconds
    renderer.render(scene, camera)
  })
}

function heart(): { whole: Group; atria: Group; ventricles: Group } {
  const [whole, atria, ventricles] = [new Group(), new Group(), new Group()]
  ventricles.add(
    chamber('#a3222d', [0.28, -0.35, 0.05], [0.82, 1.2, 0.8], 0.42),
    chamber('#8a2a4d', [-0.42, -0.15, 0.25], [0.72, 0.98, 0.68], 0.34),
  )
  atria.add(
    chamber('#b4444e', [0.62, 0.78, -0.2], [0.52, 0.45, 0.5], 0),
    chamber('#7d3558', [-0.78, 0.7, 0.1], [0.52, 0.5, 0.48], 0),
  )
  whole.add(
    ventricles, atria,
    vessel('#c2434d', 0.24, [[0.05, 0.5, 0], [0.05, 1.25, 0.05], [0.35, 1.62, -0.1], [0.8, 1.5, -0.4], [0.85, 0.9, -0.6]]),
    vessel('#6a5aa8', 0.21, [[-0.3, 0.5, 0.45], [-0.1, 1.05, 0.45], [0.3, 1.25, 0.2], [0.85, 1.2, 0.05]]),
    vessel('#5a6fb0', 0.18, [[-0.85, 0.8, 0], [-0.82, 1.3, -0.05], [-0.78, 1.75, -0.1]]),
  )
  whole.rotation.z = -0.25
  return { whole, atria, ventricles }
}

/** An ellipsoid that narrows towards its lower end by `taper`. */
function chamber(colour: string, at: [number, number, number], size: [number, number, number], taper: number): Mesh {
  const shape = new SphereGeometry(1, 48, 36)
  const points = shape.attributes.position!
  for (let index = 0; index < points.count; index++) {
    const y = points.getY(index)
    const narrowed = 1 - taper * Math.max(0, -y)
    points.setXYZ(index, points.getX(index) * narrowed * size[0], y * size[1], points.getZ(index) * narrowed * size[2])
  }
  shape.computeVertexNormals()
  const mesh = new Mesh(shape, skin(colour))
  mesh.position.set(...at)
  return mesh
}

const vessel = (colour: string, radius: number, along: [number, number, number][]): Mesh =>
  new Mesh(new TubeGeometry(new CatmullRomCurve3(along.map((point) => new Vector3(...point))), 48, radius, 20), skin(colour))

const skin = (colour: string): MeshStandardMaterial =>
  new MeshStandardMaterial({ color: new Color(colour), roughness: 0.45, metalness: 0.05 })
